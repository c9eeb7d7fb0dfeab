//! Keys of the demo workspace's own, at every provider.

use keyway_proto::billing::v1::Source;

use super::{DEMO, Product};

/// A model of each provider that chats.
pub(crate) const CHATS: [&str; 4] = [
    "openai/gpt-5-mini",
    "anthropic/claude-haiku-4-5",
    "google/gemini-3.8-flash",
    "mistral/mistral-small-latest",
];

impl Product {
    /// Stores a key for each provider, the next version where there is one, and waits until they serve.
    pub(crate) async fn put_own_keys(&self) {
        let admin = self.admin();
        for provider in ["openai", "anthropic", "google", "mistral", "exa"] {
            let secret = format!("sk-keyway-test-{provider}-0001");
            admin.put_key(DEMO, provider, &secret).await.expect("a key");
        }
        for model in CHATS {
            self.until_served_by(model, Source::Own).await;
        }
    }
}
