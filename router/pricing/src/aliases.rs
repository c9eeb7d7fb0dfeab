//! The operator's own names for models: bare, and each of them one model of one provider.

use std::collections::BTreeMap;

use keyway_words::ProviderId;

/// Names and what they stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases(BTreeMap<String, (ProviderId, String)>);

impl Aliases {
    /// What a name stands for.
    pub fn find(&self, name: &str) -> Option<(ProviderId, &str)> {
        let (provider, model) = self.0.get(name)?;
        Some((*provider, model))
    }

    /// The names of a model.
    pub fn of<'a>(&'a self, provider: ProviderId, model: &'a str) -> impl Iterator<Item = &'a str> {
        let same = move |target: &(ProviderId, String)| target.0 == provider && target.1 == model;
        let named = self.0.iter().filter(move |(_, target)| same(target));
        named.map(|(name, _)| name.as_str())
    }
}

/// `name=provider/model`, separated by commas.
impl std::str::FromStr for Aliases {
    type Err = InvalidAliases;

    fn from_str(text: &str) -> Result<Self, InvalidAliases> {
        let mut aliases = BTreeMap::new();
        let pairs = text.split(',').map(str::trim);
        for pair in pairs.filter(|pair| !pair.is_empty()) {
            let (name, target) = pair.split_once('=').ok_or(InvalidAliases)?;
            let (provider, model) = target.trim().split_once('/').ok_or(InvalidAliases)?;
            let provider = provider.parse().map_err(|_form| InvalidAliases)?;
            let name = name.trim();
            let plain = |text: &str| {
                (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
            };
            if !plain(name) || name.contains('/') || !plain(model) {
                return Err(InvalidAliases);
            }
            let target = (provider, model.to_owned());
            if aliases.insert(name.to_owned(), target).is_some() {
                return Err(InvalidAliases);
            }
        }
        Ok(Self(aliases))
    }
}

/// Not a list of aliases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be name=provider/model, separated by commas, each name once and without a slash")]
pub struct InvalidAliases;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_model_and_what_is_no_list_is_refused() {
        let aliases: Aliases = "fast=openai/gpt-5-mini, deep = exa/auto".parse().unwrap();
        let fast = aliases.find("fast");
        assert_eq!(fast, Some((ProviderId::OpenAi, "gpt-5-mini")));
        assert_eq!(aliases.find("slow"), None);
        let names: Vec<&str> = aliases.of(ProviderId::Exa, "auto").collect();
        assert_eq!(names, ["deep"]);
        assert_eq!("".parse::<Aliases>(), Ok(Aliases::default()));
        for text in [
            "fast",
            "fast=gpt",
            "fast=other/x",
            "a/b=openai/x",
            "=openai/x",
            "fast=openai/",
            "fast=openai/x,fast=openai/y",
        ] {
            assert_eq!(text.parse::<Aliases>(), Err(InvalidAliases), "{text}");
        }
    }
}
