//! A key that is shared stays the one that was brought first.

use zeroize::Zeroizing;

use super::*;

#[tokio::test]
async fn whoever_asks_later_gets_the_key_that_the_first_one_brought() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let first = ledger.shared_key("seal", Zeroizing::new([1; 32])).await;
    assert_eq!(*first.unwrap(), vec![1; 32]);
    let other = ledger.shared_key("other", Zeroizing::new([3; 32])).await;
    assert_eq!(*other.unwrap(), vec![3; 32]);
    ledger.stop(Duration::from_secs(5)).await.unwrap();
    drop(ledger);
    let ledger = home.start().await;
    let again = ledger.shared_key("seal", Zeroizing::new([2; 32])).await;
    assert_eq!(*again.unwrap(), vec![1; 32]);
}
