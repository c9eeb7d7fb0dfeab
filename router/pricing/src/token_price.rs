//! Token prices: which tier holds, and which price each part of the usage takes.
//!
//! The fall-backs are the catalogue's documented ones. A cache class without a price of its own
//! costs what fresh input of its modality costs; a cache write of a longer lifetime without one
//! costs what the default lifetime costs; audio without a price of its own costs what text costs.

use std::collections::BTreeMap;

use keyway_words::Usage;

use crate::quote::{Line, Unpriced};
use crate::row::{Price, Rates, TokenPrices};

/// The rates of the service tier that served. A tier that the provider does not name, or that is
/// its ordinary one, is the base; any other needs rates of its own.
pub(crate) fn rates<'a>(
    base: &'a Rates,
    by_service_tier: &'a BTreeMap<String, Rates>,
    service_tier: Option<&str>,
) -> Result<&'a Rates, Unpriced> {
    let name = service_tier.unwrap_or_default().to_ascii_lowercase();
    if ORDINARY_TIERS.contains(&name.as_str()) {
        return Ok(base);
    }
    by_service_tier.get(&name).ok_or(Unpriced::ServiceTier)
}

/// The lines of a usage at these rates: every part that is known and not zero.
pub(crate) fn lines(rates: &Rates, base: &Rates, usage: &Usage) -> Result<Vec<Line>, Unpriced> {
    let prices = at_length(rates, base, usage.prompt_tokens())?;
    let input = prices.input.ok_or(Unpriced::Unit)?;
    let output = prices.output.or(base.prices.output).ok_or(Unpriced::Unit)?;
    let input_audio = prices.input_audio.unwrap_or(input);
    let cache_write = prices.cache_write.unwrap_or(input);
    // With audio at the price of text, cached audio costs what cached text costs.
    let cached_audio = match prices.input_audio {
        Some(own) => prices.cache_read_audio.unwrap_or(own),
        None => prices
            .cache_read_audio
            .or(prices.cache_read)
            .unwrap_or(input),
    };
    let (plain_output, reasoning) = split_reasoning(usage, prices.reasoning);
    let parts = [
        ("input_tokens", usage.input_tokens, input),
        (
            "cache_read_tokens",
            usage.cache_read_tokens,
            prices.cache_read.unwrap_or(input),
        ),
        ("cache_write_tokens", usage.cache_write_tokens, cache_write),
        (
            "cache_write_1h_tokens",
            usage.cache_write_1h_tokens,
            prices.cache_write_1h.unwrap_or(cache_write),
        ),
        (
            "cache_write_12h_tokens",
            usage.cache_write_12h_tokens,
            prices.cache_write_12h.unwrap_or(cache_write),
        ),
        ("output_tokens", plain_output, output),
        (
            "reasoning_tokens",
            reasoning,
            prices.reasoning.unwrap_or(output),
        ),
        ("input_audio_tokens", usage.input_audio_tokens, input_audio),
        (
            "cache_read_audio_tokens",
            usage.cache_read_audio_tokens,
            cached_audio,
        ),
        (
            "output_audio_tokens",
            usage.output_audio_tokens,
            prices.output_audio.unwrap_or(output),
        ),
    ];
    Ok(parts
        .into_iter()
        .filter_map(|(part, count, price)| line(part, count, price))
        .collect())
}

/// The prices for a prompt of so many tokens: those of the highest bound that it exceeds. Where
/// only the base names a bound that the prompt exceeds, the service tier has no price for it.
fn at_length<'a>(
    rates: &'a Rates,
    base: &Rates,
    prompt_tokens: u64,
) -> Result<&'a TokenPrices, Unpriced> {
    let exceeded = |rates: &'a Rates| {
        rates
            .tiers
            .iter()
            .rev()
            .find(|tier| prompt_tokens > tier.above_tokens)
    };
    if let Some(tier) = exceeded(rates) {
        return Ok(&tier.prices);
    }
    let is_longer_than_base = base
        .tiers
        .first()
        .is_some_and(|tier| prompt_tokens > tier.above_tokens);
    if rates.tiers.is_empty() && is_longer_than_base {
        return Err(Unpriced::PromptLength);
    }
    Ok(&rates.prices)
}

/// Output without reasoning and reasoning, where reasoning has a price of its own; otherwise all
/// of it is output. Reasoning is an *of which*: it is never added.
fn split_reasoning(usage: &Usage, price: Option<Price>) -> (Option<u64>, Option<u64>) {
    match (price, usage.reasoning_tokens) {
        (Some(_), Some(reasoning)) => (
            usage
                .output_tokens
                .map(|output| output.saturating_sub(reasoning)),
            Some(reasoning),
        ),
        (Some(_), None) | (None, Some(_) | None) => (usage.output_tokens, None),
    }
}

fn line(part: &'static str, count: Option<u64>, price: Price) -> Option<Line> {
    let count = count.filter(|count| *count > 0)?;
    Some(Line {
        part,
        count,
        price: price.0,
        per_million: true,
    })
}

/// A provider's words for its ordinary tier; empty means that it did not say.
const ORDINARY_TIERS: [&str; 5] = ["", "default", "standard", "auto", "unspecified"];
