//! What callers left at a provider, one account for each key: a key sees its own and nothing else.
//!
//! This is what would leak if two workspaces were served with one key and one of them could name what
//! the other left. Ids are counted, so that they can be guessed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::provider::Provider;

/// Most things in one account; the oldest gives way.
const MOST: usize = 2000;

/// All accounts.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    accounts: Mutex<HashMap<(Provider, String), Account>>,
}

impl Accounts {
    /// The account of a key at a provider; without a key an empty one that nobody else has.
    pub(crate) fn of(&self, provider: Provider, key: Option<&str>) -> Account {
        let Some(key) = key else {
            return Account::default();
        };
        let mut accounts = lock(&self.accounts);
        let account = accounts.entry((provider, key.to_owned())).or_default();
        account.clone()
    }
}

/// What one key left.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    things: Arc<Mutex<VecDeque<Thing>>>,
}

#[derive(Debug)]
struct Thing {
    kind: &'static str,
    id: String,
    value: Value,
}

impl Account {
    /// Keeps a thing, in place of an older one of the same kind and id.
    pub(crate) fn put(&self, kind: &'static str, id: &str, value: Value) {
        let mut things = lock(&self.things);
        let known = things
            .iter_mut()
            .find(|thing| thing.kind == kind && thing.id == id);
        if let Some(thing) = known {
            thing.value = value;
            return;
        }
        if things.len() == MOST {
            things.pop_front();
        }
        let id = id.to_owned();
        things.push_back(Thing { kind, id, value });
    }

    pub(crate) fn get(&self, kind: &str, id: &str) -> Option<Value> {
        let things = lock(&self.things);
        let found = things
            .iter()
            .find(|thing| thing.kind == kind && thing.id == id);
        found.map(|thing| thing.value.clone())
    }

    pub(crate) fn remove(&self, kind: &str, id: &str) -> Option<Value> {
        let mut things = lock(&self.things);
        let at = things
            .iter()
            .position(|thing| thing.kind == kind && thing.id == id)?;
        things.remove(at).map(|thing| thing.value)
    }

    /// All of a kind, oldest first.
    pub(crate) fn all(&self, kind: &str) -> Vec<Value> {
        let things = lock(&self.things);
        let wanted = things.iter().filter(|thing| thing.kind == kind);
        wanted.map(|thing| thing.value.clone()).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_sees_its_own_and_nothing_else() {
        let accounts = Accounts::default();
        let of = |provider, key| accounts.of(provider, Some(key));
        of(Provider::OpenAi, "a").put("file", "1", json!("mine"));
        assert_eq!(
            of(Provider::OpenAi, "a").get("file", "1"),
            Some(json!("mine"))
        );
        assert_eq!(of(Provider::OpenAi, "b").get("file", "1"), None);
        assert_eq!(of(Provider::Mistral, "a").get("file", "1"), None);
        assert_eq!(accounts.of(Provider::OpenAi, None).get("file", "1"), None);
        assert_eq!(
            of(Provider::OpenAi, "a").remove("file", "1"),
            Some(json!("mine"))
        );
        assert!(of(Provider::OpenAi, "a").all("file").is_empty());
    }

    #[test]
    fn the_oldest_gives_way() {
        let account = Account::default();
        for number in 0..=MOST {
            account.put("file", &number.to_string(), json!(number));
        }
        assert_eq!(
            (account.get("file", "0"), account.all("file").len()),
            (None, MOST)
        );
    }
}
