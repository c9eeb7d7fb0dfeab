//! What holds for every usage.

use proptest::prelude::*;

use super::*;
use crate::Catalogue;
use keyway_words::ProviderId;

fn parts() -> impl Strategy<Value = [u64; 10]> {
    proptest::array::uniform10(0..20_000_u64)
}

fn usage(
    [
        input,
        read,
        write,
        hour,
        half_day,
        output,
        reasoning,
        audio,
        cached,
        spoken,
    ]: [u64; 10],
) -> Usage {
    Usage {
        input_tokens: Some(input),
        cache_read_tokens: Some(read),
        cache_write_tokens: Some(write),
        cache_write_1h_tokens: Some(hour),
        cache_write_12h_tokens: Some(half_day),
        output_tokens: Some(output),
        reasoning_tokens: Some(reasoning.min(output)),
        input_audio_tokens: Some(audio),
        cache_read_audio_tokens: Some(cached),
        output_audio_tokens: Some(spoken),
        ..Usage::default()
    }
}

fn pico(model: &Model, usage: &Usage) -> i128 {
    let inputs = PriceInputs {
        usage: Some(usage),
        flagged: false,
        service_tier: None,
        dimensions: &BTreeMap::new(),
        provider_cost: None,
    };
    model.quote(&inputs).list.unwrap().pico()
}

/// Models without a bound on the prompt: theirs are straight lines.
fn straight(catalogue: &Catalogue) -> Vec<&Model> {
    let is_straight = |model: &&Model| matches!(&model.pricing, Pricing::Tokens { base, .. } if base.tiers.is_empty());
    ProviderId::ALL
        .into_iter()
        .flat_map(|id| catalogue.models(id))
        .filter(is_straight)
        .collect()
}

#[test]
fn the_parts_of_an_invoice_add_up_for_every_model() {
    let catalogue = Catalogue::builtin().unwrap();
    let models = straight(&catalogue);
    proptest!(|(left in parts(), right in parts(), pick in 0..models.len())| {
        let both = std::array::from_fn(|index| left[index] + right[index]);
        let model = models[pick];
        // Prices have at most six digits after the point a token, so nothing is rounded here.
        prop_assert_eq!(
            pico(model, &usage(left)) + pico(model, &usage(right)),
            pico(model, &usage(both))
        );
    });
}

#[test]
fn more_usage_never_costs_less() {
    let catalogue = Catalogue::builtin().unwrap();
    let models: Vec<&Model> = ProviderId::ALL
        .into_iter()
        .flat_map(|id| catalogue.models(id))
        .filter(|model| matches!(model.pricing, Pricing::Tokens { .. }))
        .collect();
    proptest!(|(parts in parts(), which in 0..10_usize, more in 1..300_000_u64, pick in 0..models.len())| {
        let mut larger = parts;
        larger[which] += more;
        prop_assert!(pico(models[pick], &usage(larger)) >= pico(models[pick], &usage(parts)));
    });
}

proptest! {
    #[test]
    fn a_charge_is_at_most_half_a_pico_from_the_exact_amount(
        count in 0..10_000_000_u64,
        price in 0..10_000_000_000_000_u64,
        thousandths in 0..5_000_u64,
    ) {
        let price = Usd::from_pico(price.into());
        let factor: Multiplier =
            format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000).parse().unwrap();
        let rounded = Exact::of_tokens(count, price).unwrap().times(factor).unwrap().round().pico();
        // In units of 10⁻⁹ pico: million × thousand.
        let exact = i128::from(count) * price.pico() * i128::from(thousandths);
        let difference = (rounded * 1_000_000_000 - exact).abs();
        prop_assert!(difference <= 500_000_000);
        prop_assert!(difference < 500_000_000 || rounded % 2 == 0);
    }
}
