//! Prices: the table in force, and what an attempt is charged by it.

mod follow;

use std::sync::Arc;

use arc_swap::ArcSwap;
use keyway_proto::billing::v1::{self as billing, UsageEvent};
use keyway_router_billing::{Amounts, Rated};
use keyway_router_pricing::{
    Aliases, Asked, Catalogue, CatalogueError, Multiplier, PriceInputs, Quote,
};
use keyway_router_providers::Metered;
use keyway_words::{Basis, ProviderId, Source, Timestamp, Usage, Usd};

pub use self::follow::{PriceFile, PriceFileError, read};

/// The price table in force and the operator's factor.
#[derive(Debug)]
pub struct Prices {
    /// What the table was made of.
    overlay: ArcSwap<Option<String>>,
    aliases: Aliases,
    table: ArcSwap<Catalogue>,
    multiplier: Multiplier,
    /// Whether a hosted call is charged what its usage was estimated at.
    charges_estimates: bool,
}

/// The amounts of one attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Priced {
    /// What goes into the settlement.
    pub amounts: Amounts,
    /// Whether a price is missing.
    pub unpriced: bool,
}

impl Prices {
    /// The built-in table with the text of the operator's overlay over it, and the operator's names.
    pub fn new(
        overlay: Option<String>,
        aliases: Aliases,
        multiplier: Multiplier,
        now: Timestamp,
    ) -> Result<Self, CatalogueError> {
        let table = load(overlay.as_deref(), &aliases, now)?;
        Ok(Self {
            overlay: ArcSwap::from_pointee(overlay),
            aliases,
            table: ArcSwap::from_pointee(table),
            multiplier,
            charges_estimates: false,
        })
    }

    /// The same with estimates charged, or not.
    #[must_use]
    pub fn charging_estimates(self, charges_estimates: bool) -> Self {
        Self {
            charges_estimates,
            ..self
        }
    }

    /// The table in force.
    pub fn table(&self) -> Arc<Catalogue> {
        self.table.load_full()
    }

    /// The operator's factor on hosted calls.
    pub const fn multiplier(&self) -> Multiplier {
        self.multiplier
    }

    /// The text of the overlay that it was made of.
    pub fn overlay(&self) -> Arc<Option<String>> {
        self.overlay.load_full()
    }

    /// The table that an overlay makes at a time.
    pub fn made_of(
        &self,
        overlay: Option<&str>,
        at: Timestamp,
    ) -> Result<Arc<Catalogue>, CatalogueError> {
        load(overlay, &self.aliases, at).map(Arc::new)
    }

    /// Puts a table into force, and remembers what it was made of.
    pub fn put(&self, table: Arc<Catalogue>, overlay: Option<String>) {
        self.overlay.store(Arc::new(overlay));
        self.table.store(table);
    }

    /// The cause if a hosted call of a model would have no price.
    pub fn unpriced(table: &Catalogue, provider: ProviderId, model: &str) -> Option<&'static str> {
        let checked = table.check(provider, model, &Asked::default());
        checked.err().map(keyway_router_pricing::Unpriced::as_str)
    }

    /// What an attempt costs by `table`, the one that its opening names.
    pub fn price(
        &self,
        table: &Catalogue,
        (source, provider, model): (Source, ProviderId, &str),
        (metered, basis): (&Metered, Basis),
    ) -> Priced {
        let own = matches!(source, Source::Own);
        if matches!(basis, Basis::None) {
            let nothing = Some(Usd::ZERO);
            let amounts = Amounts {
                charge: nothing,
                list_price: nothing,
                ..Amounts::default()
            };
            return Priced {
                amounts,
                unpriced: false,
            };
        }
        if matches!(basis, Basis::Estimated) {
            return self.estimated(table, (source, provider, model), metered);
        }
        let inputs = PriceInputs {
            usage: metered.usage.as_ref(),
            flagged: metered.flagged,
            service_tier: metered.service_tier.as_deref(),
            dimensions: &metered.dimensions,
            provider_cost: metered.provider_cost,
        };
        let quote = table.quote(provider, model, metered.served_model.as_deref(), &inputs);
        let charge = if own {
            Some(Usd::ZERO)
        } else {
            quote.charge(self.multiplier)
        };
        let amounts = Amounts {
            charge,
            list_price: quote.list,
            estimated: None,
            provider_reported: metered.provider_cost,
        };
        Priced {
            amounts,
            unpriced: quote.unpriced.is_some() || (charge.is_none() && quote.list.is_some()),
        }
    }
}

impl Prices {
    /// What an attempt whose provider told no usage is estimated at, by the counting rule.
    fn estimated(
        &self,
        table: &Catalogue,
        (source, provider, model): (Source, ProviderId, &str),
        metered: &Metered,
    ) -> Priced {
        let quote = estimate(table, (provider, model), metered);
        let charge = match source {
            Source::Own => Some(Usd::ZERO),
            Source::Hosted => quote
                .as_ref()
                .filter(|_| self.charges_estimates)
                .and_then(|quote| quote.charge(self.multiplier)),
        };
        let amounts = Amounts {
            charge,
            list_price: None,
            estimated: quote.as_ref().and_then(|quote| quote.list),
            provider_reported: None,
        };
        Priced {
            amounts,
            unpriced: quote.is_none_or(|quote| quote.unpriced.is_some()),
        }
    }
}

/// The estimate of an answer without usage; `None` without a counting rule, or without an answer.
pub(crate) fn estimate(
    table: &Catalogue,
    (provider, model): (ProviderId, &str),
    metered: &Metered,
) -> Option<Quote> {
    let served = metered.served_model.as_deref();
    table.estimate(provider, model, served, metered.text_bytes?)
}

/// What an event costs by a table, with the operator's factor of now. Without usage, or where the
/// table has no price, nothing is known; an attempt that used nothing costs nothing by any table.
pub fn rate_again(table: &Catalogue, multiplier: Multiplier, event: &UsageEvent) -> Rated {
    let Ok(provider) = event.provider.parse::<ProviderId>() else {
        return Rated::default();
    };
    if event.basis() == billing::Basis::None {
        return Rated::default();
    }
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let provider_cost = event.provider_reported_usd.as_deref();
    let usage = event.usage.map(Usage::from);
    let dimensions = event.price_dimensions.clone().into_iter().collect();
    let quote = table.quote(
        provider,
        &event.requested_model,
        text(&event.served_model).as_deref(),
        &PriceInputs {
            usage: usage.as_ref(),
            flagged: event.usage_flagged,
            service_tier: text(&event.service_tier).as_deref(),
            dimensions: &dimensions,
            provider_cost: provider_cost.and_then(|text| text.parse().ok()),
        },
    );
    let charge = match event.source() {
        billing::Source::Own => Some(Usd::ZERO),
        billing::Source::Hosted | billing::Source::Unspecified => quote.charge(multiplier),
    };
    Rated {
        charge,
        list_price: quote.list,
    }
}

fn load(
    overlay: Option<&str>,
    aliases: &Aliases,
    at: Timestamp,
) -> Result<Catalogue, CatalogueError> {
    let table = overlay.map_or_else(Catalogue::builtin, |text| Catalogue::with_overlay(text, at));
    table.map(|table| table.with_aliases(aliases.clone()))
}
