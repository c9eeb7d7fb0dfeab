//! Who may do what, where a table of one crate can't show it.

use keyway_proto::Reason;
use keyway_proto::router::v1::TestKeyRequest;

use crate::harness::{DEMO, Product, reason};

#[tokio::test]
async fn what_is_not_built_yet_is_denied_to_others_all_the_same() {
    let product = Product::start().await;
    let other = product.tenant("globex").await;
    let request = TestKeyRequest {
        name: format!("{DEMO}/keys/openai/default"),
    };
    let mut mine = product.admin().router.execution();
    let refused = mine.test_key(request.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::NotBuilt));
    let mut theirs = other.admin.router.execution();
    let refused = theirs.test_key(request).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::Denied));
}
