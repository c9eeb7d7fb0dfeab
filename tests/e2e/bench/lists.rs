//! Lists and resolving over a table of a million keys, 30 of 100 deleted. The measured workspaces
//! were made by RPCs, so that their keys open; the others are filled in by SQL around them.

use std::time::Duration;

use futures::future::join_all;
use keyway::Part;
use keyway::client::Session;
use keyway_proto::vault::v1::{
    DeleteKeyRequest, KeyState, ListKeysRequest, PutKeyRequest, ResolveKeysRequest,
};
use keyway_words::{CallId, Secret};
use tokio::time::Instant;

use super::{fill, print};
use crate::harness::{Product, Tenant};

const TENANTS: usize = 20;
const PROVIDERS: [&str; 5] = ["anthropic", "exa", "google", "mistral", "openai"];
const NAMES: usize = 8;
const PAGES: usize = 1_000;

/// Measures a product whose vault has its keys in the database at a URL.
pub(crate) async fn measure(product: &mut Product, database: &str) {
    let tenants = tenants(product).await;
    print::line(
        "ListKeys, a random filtered page of 800 rows",
        pages(&tenants).await,
    );
    let (rows, start) = (fill::rows(), Instant::now());
    fill::fill(database, rows).await;
    println!(
        "filled {rows} rows in {:.1} s",
        start.elapsed().as_secs_f64()
    );
    print::line(
        &format!("the same among {rows} more, 30 % deleted"),
        pages(&tenants).await,
    );
    product.kill(Part::Vault).await;
    product.start_again(Part::Vault).await;
    let (cold, cached) = resolve(product, &tenants).await;
    print::line("ResolveKeys, 5 keys, data key not yet unwrapped", cold);
    print::line("the same with the data key at hand", cached);
}

/// Workspaces whose names lie among those that are filled in.
async fn tenants(product: &Product) -> Vec<Tenant> {
    let mut tenants = Vec::new();
    for number in 0..TENANTS {
        let tenant = product
            .tenant(&format!("fill-{:05}-real", number * 1_250))
            .await;
        let keys = PROVIDERS
            .iter()
            .flat_map(|provider| (0..NAMES).map(move |name| (*provider, name)));
        join_all(keys.map(|(provider, name)| store(&tenant, provider, name))).await;
        tenants.push(tenant);
    }
    tenants
}

/// Stores a key, and of ten deletes three.
async fn store(tenant: &Tenant, provider: &str, name: usize) {
    let request = PutKeyRequest {
        owner: tenant.name.clone(),
        provider: provider.to_owned(),
        key_name: format!("k{name}"),
        secret: format!("sk-keyway-test-bench-{provider}-{name}"),
        ..Default::default()
    };
    let mut keys = tenant.admin.vault.keys();
    keys.put_key(request).await.expect("stored");
    if name % 10 < 3 {
        let request = DeleteKeyRequest {
            name: format!("{}/keys/{provider}/k{name}", tenant.name),
            ..Default::default()
        };
        keys.delete_key(request).await.expect("deleted");
    }
}

/// Random questions, each asked to a random depth.
async fn pages(tenants: &[Tenant]) -> Vec<Duration> {
    let (mut random, mut taken) = (Random(7), Vec::new());
    while taken.len() < PAGES {
        let tenant = &tenants[random.below(tenants.len())];
        let provider = PROVIDERS.get(random.below(PROVIDERS.len() + 1));
        let states = [KeyState::Unspecified, KeyState::Active, KeyState::Disabled];
        let mut request = ListKeysRequest {
            owner: tenant.name.clone(),
            provider: provider.copied().unwrap_or_default().to_owned(),
            state: states[random.below(states.len())].into(),
            page_size: i32::try_from(1 + random.below(20)).expect("small"),
            page_token: String::new(),
        };
        for _page in 0..=random.below(4) {
            let start = Instant::now();
            let answer = tenant.admin.vault.keys().list_keys(request.clone()).await;
            taken.push(start.elapsed());
            request.page_token = answer.expect("a page").into_inner().next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
    }
    taken
}

async fn resolve(product: &Product, tenants: &[Tenant]) -> (Vec<Duration>, Vec<Duration>) {
    let token = std::fs::read_to_string(product.running.site.state.router_token());
    let token = Secret::new(token.expect("a token").trim().to_owned());
    let data = product.running.site.addresses.vault_data;
    let leases = Session::new(data, &token).expect("a session");
    let (mut cold, mut cached) = (Vec::new(), Vec::new());
    for round in 0..50 {
        for tenant in tenants {
            let request = ResolveKeysRequest {
                workspace: tenant.name.clone(),
                provider: "openai".to_owned(),
                call_id: CallId::new().to_string(),
                key: String::new(),
            };
            let start = Instant::now();
            leases
                .leases()
                .resolve_keys(request)
                .await
                .expect("resolved");
            let times = if round == 0 { &mut cold } else { &mut cached };
            times.push(start.elapsed());
        }
    }
    (cold, cached)
}

/// The same questions in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound
    }
}
