//! One call never makes more attempts than its budget, whatever is nested: keys of a pool, the
//! platform's key after any class of failure, waits that the provider asks for.

use keyway_proto::router::v1::GetReceiptRequest;
use keyway_proto::vault::v1::{FailureClass, Policy, PutKeyRequest, WorkspaceServiceUpdateRequest};
use serde_json::{Value, json};

use crate::harness::{Logs, Product, Setup, Tenant, ask, wait_for};

/// Attempts per call, the default.
const BUDGET: usize = 4;
const POOLS: [usize; 4] = [1, 2, 3, 6];
/// What the own keys meet; a digit per key, around and around.
const OWN: [&str; 6] = ["503", "429", "401", "404", "mix", "529"];
const HOSTED: [&str; 2] = ["503", "529"];

fn action(what: &str) -> Value {
    match what {
        "429" => {
            json!({"fixture": "openai/429_rate.error", "headers": {"retry-after": "", "retry-after-ms": "50"}})
        }
        "401" => json!({"fixture": "openai/401_bad_key.error"}),
        "404" => json!({"fixture": "openai/404_model.error"}),
        "529" => json!({"status": 529, "body": "{}"}),
        _ => json!({"status": 503, "body": "down"}),
    }
}

#[derive(Debug, Clone, Copy)]
struct Nest {
    keys: usize,
    own: &'static str,
    hosted: &'static str,
    streamed: bool,
}

impl Nest {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for keys in POOLS {
            for own in OWN {
                for hosted in HOSTED {
                    for streamed in [false, true] {
                        all.push(Self {
                            keys,
                            own,
                            hosted,
                            streamed,
                        });
                    }
                }
            }
        }
        all
    }

    fn id(self) -> String {
        let how = if self.streamed { "streamed" } else { "whole" };
        format!("nest-{}-{}-{}-{how}", self.keys, self.own, self.hosted)
    }

    /// What the nth key meets.
    fn meets(self, key: usize) -> &'static str {
        match self.own {
            "mix" => ["429", "503", "401", "404"][key % 4],
            own => own,
        }
    }

    fn rules(self) -> Vec<Value> {
        let rule = |suffix: &str, what: &str| {
            json!({
                "match": {"key_suffix": suffix, "body_contains": format!("\"{}\"", self.id())},
                "action": action(what),
            })
        };
        let own = (0..self.keys).map(|key| rule(&format!("-own{key}"), self.meets(key)));
        own.chain([rule("", self.hosted)]).collect()
    }

    async fn tenant(self, product: &Product) -> Tenant {
        let tenant = product.tenant(&self.id()).await;
        for key in 0..self.keys {
            let request = PutKeyRequest {
                owner: tenant.name.clone(),
                provider: "openai".to_owned(),
                key_name: format!("key-{key}"),
                secret: format!("sk-keyway-test-{}-own{key}", self.id()),
                ..Default::default()
            };
            tenant.admin.vault.keys().put_key(request).await.unwrap();
        }
        let policy = Policy {
            fallback_on: CLASSES.map(Into::into).to_vec(),
            ..Policy::default()
        };
        let request = WorkspaceServiceUpdateRequest {
            name: tenant.name.clone(),
            policy: Some(policy),
            ..Default::default()
        };
        let workspaces = tenant.admin.vault.workspaces().update(request).await;
        workspaces.expect("the policy is set");
        tenant
    }

    /// Makes the call; its id.
    async fn call(self, tenant: &Tenant) -> String {
        let mut request = ask("openai/gpt-5-mini");
        // So that the journal tells whose request it was.
        request.end_user = self.id();
        let mut execution = tenant.caller.router.execution();
        let status = if self.streamed {
            let request = keyway_proto::router::v1::StreamChatRequest {
                request: Some(request),
            };
            let mut stream = execution.stream_chat(request).await.expect("a stream");
            let id = stream.metadata().get("keyway-call-id").cloned();
            let ended = async {
                loop {
                    match stream.get_mut().message().await {
                        Ok(Some(_id)) => {}
                        Ok(None) => panic!("an answer to {self:?}"),
                        Err(status) => return status,
                    }
                }
            };
            drop(ended.await);
            return id.expect("an id").to_str().unwrap().to_owned();
        } else {
            execution.chat(request).await.expect_err("no answer")
        };
        let id = status.metadata().get("keyway-call-id").expect("an id");
        id.to_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn no_call_makes_more_attempts_than_its_budget_whatever_is_nested() {
    // A key that rests would make fewer.
    let setup = Setup::new().with("KEYWAY_ROUTER__BREAKER__FAILURES", "1000000");
    let product = setup.start().await;
    let _logs = Logs(&product);
    let nests = Nest::all();
    let rules: Vec<Value> = nests.iter().flat_map(|nest| nest.rules()).collect();
    product.simulator().script(&json!(rules)).await;
    let mut most = 0;
    for some in nests.chunks(12) {
        let calls = some.iter().map(async |nest| {
            let tenant = nest.tenant(&product).await;
            let id = nest.call(&tenant).await;
            (nest, tenant, id)
        });
        for (nest, tenant, id) in futures::future::join_all(calls).await {
            let told = format!("\"{}\"", nest.id());
            let journal = product.simulator().journal().await;
            let mine = |entry: &&Value| {
                entry["body"]
                    .as_str()
                    .is_some_and(|body| body.contains(&told))
            };
            let sent = journal.iter().filter(mine).count();
            assert!(
                (1..=BUDGET).contains(&sent),
                "{nest:?} was sent {sent} times"
            );
            let told = async || (receipt(&tenant, &id).await? == sent).then_some(());
            wait_for(
                &format!("the receipt of {nest:?} to have {sent} attempts"),
                told,
            )
            .await;
            most = most.max(sent);
        }
    }
    assert_eq!(most, BUDGET, "the budget is used");
}

/// Attempts by the receipt.
async fn receipt(tenant: &Tenant, call_id: &str) -> Option<usize> {
    let request = GetReceiptRequest {
        call_id: call_id.to_owned(),
        ..Default::default()
    };
    let receipt = tenant.caller.router.execution().get_receipt(request).await;
    Some(receipt.ok()?.into_inner().receipt?.attempts.len())
}

const CLASSES: [FailureClass; 6] = [
    FailureClass::RateLimited,
    FailureClass::KeyExhausted,
    FailureClass::KeyRejected,
    FailureClass::ProviderUnavailable,
    FailureClass::ProviderTimeout,
    FailureClass::ModelNotAvailable,
];
