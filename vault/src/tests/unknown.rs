//! A flood of unknown tokens reaches the database within its limit, and no good token suffers.

use std::collections::HashMap;

use keyway_proto::Reason;
use keyway_proto::vault::v1::*;
use keyway_vault_crypto::OsRandom;
use keyway_vault_crypto::token::{self, TokenKind};

use super::harness::{Bearer, World, reason};

#[tokio::test]
async fn guesses_beyond_the_limit_are_not_looked_up_and_a_token_that_worked_goes_on_working() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let who = async |bearer: &Bearer| {
        let mut tokens = world.tokens(bearer);
        tokens.who_am_i(TokenServiceWhoAmIRequest {}).await
    };
    who(&acme).await.unwrap();
    let begun = tokio::time::Instant::now();
    let mut refused: HashMap<Reason, u64> = HashMap::new();
    for _ in 0..400 {
        let guess = token::generate(TokenKind::Member, &mut OsRandom).unwrap();
        let refusal = reason(who(&Bearer::new(guess.expose())).await);
        *refused.entry(refusal).or_default() += 1;
        if refused.contains_key(&Reason::Overloaded) {
            who(&acme).await.unwrap();
        }
    }
    let looked_up = refused[&Reason::CallerUnknown];
    let allowed = 100 + 20 * (begun.elapsed().as_secs() + 1);
    assert!(
        (100..=allowed).contains(&looked_up),
        "{refused:?} of {allowed}"
    );
    assert_eq!(refused.values().sum::<u64>(), 400, "{refused:?}");
    if allowed < 400 {
        assert!(refused[&Reason::Overloaded] >= 400 - allowed, "{refused:?}");
    }
}
