//! Streams that outlive a check of their caller end with the caller's credential.
//!
//! A stream of [`crate::rpc::is_held`] is authenticated and decided on again every [`AGAIN`], with
//! the credentials and the request that opened it. When they no longer stand it ends with
//! `CALLER_UNKNOWN` or `DENIED`; when that can't be known for [`UNSURE`], with the fault that says
//! so. A provider's stream is no such stream: revocation starts no new attempt, and cuts none.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use keyway_proto::{Fault, Reason};
use keyway_words::{Act, Aim, WorkspaceId};
use tokio::time::{Instant, sleep};

use super::{Authenticate, AuthenticateLayer, Credentials, denied, standing};

/// What was granted at a stream's opening; set once its first message was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Held(Arc<OnceLock<(Aim, Act)>>);

impl Held {
    /// Notes what the stream is for.
    pub(super) fn granted(&self, aim: Aim, act: Act) {
        // Only the first message of a stream is decided on.
        let _first = self.0.set((aim, act));
    }
}

/// A stream's hold on its caller.
pub(super) struct Hold<A> {
    pub(super) layer: AuthenticateLayer<A>,
    pub(super) rpc: &'static str,
    pub(super) credentials: Credentials,
    pub(super) within: Option<WorkspaceId>,
    pub(super) held: Held,
}

impl<A: Authenticate> Hold<A> {
    /// Ends when the stream must, with what its caller is told.
    pub(super) async fn ends(self) -> Fault {
        let mut sure = Instant::now();
        loop {
            sleep(AGAIN).await;
            let begun = Instant::now();
            match self.stands().await {
                Ok(()) => sure = begun,
                Err(fault) if is_verdict(&fault) || sure.elapsed() >= UNSURE => return fault,
                Err(_unsure) => {}
            }
        }
    }

    /// Whether the caller may still have what it was granted.
    async fn stands(&self) -> Result<(), Fault> {
        let credentials = self.credentials.again();
        let caller = self
            .layer
            .identify(self.rpc, credentials, self.within.as_ref())
            .await?;
        let authority = &*self.layer.authority;
        let stands = match self.held.0.get() {
            Some((aim, act)) => {
                standing::counting(authority, &caller, self.rpc, aim, act)?.is_some()
            }
            None => caller
                .each()
                .any(|caller| authority.may_call(&caller, self.rpc)),
        };
        if stands { Ok(()) } else { Err(denied()) }
    }
}

/// Whether a fault says what the caller is, rather than that it can't be known now.
fn is_verdict(fault: &Fault) -> bool {
    matches!(
        fault.reason,
        Reason::CallerUnknown | Reason::Denied | Reason::FieldInvalid
    )
}

/// A revoked credential's streams end within a second.
const AGAIN: Duration = Duration::from_millis(400);
/// How long a stream goes on while its caller can be neither confirmed nor refused.
const UNSURE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use keyway_words::{Role, Secret};
    use tokio::time::timeout;

    use super::super::{Authority, Caller, Denied, Peer, Reach, caller_unknown};
    use super::*;
    use crate::serve::Reflection;

    /// Says of every credential what it was told last.
    struct Fixed(Mutex<Result<Role, Fault>>);

    impl Authenticate for Fixed {
        async fn authenticate(&self, _: &'static str, given: Credentials) -> Result<Caller, Fault> {
            assert_eq!(given.bearer.as_ref().map(Secret::expose), Some("kwa_test"));
            let role = self.0.lock().unwrap().clone()?;
            Ok(Caller {
                accessor: "a".into(),
                subject: "service:a".into(),
                role,
                workspace: None,
                expire_time: None,
                listed: None,
                grants: Arc::from([]),
                others: Arc::from([]),
            })
        }
    }

    /// Auditors may, whatever they aim at but the platform.
    struct Table;

    impl Authority for Table {
        fn has_row(&self, _: &str) -> bool {
            true
        }

        fn may_call(&self, caller: &Caller, _: &str) -> bool {
            caller.role == Role::Auditor
        }

        fn decide(&self, caller: &Caller, rpc: &str, _: &Aim, _: &Act) -> Result<Reach, Denied> {
            if self.may_call(caller, rpc) {
                Ok(Reach::Full)
            } else {
                Err(Denied)
            }
        }
    }

    fn away() -> Fault {
        Fault::new(Reason::VaultUnavailable, "away")
    }

    /// How a stream ends, and after how long, where its caller's credential becomes that after a
    /// minute.
    async fn ends(becomes: Result<Role, Fault>, granted: bool) -> Option<(Reason, Duration)> {
        let fixed = Arc::new(Fixed(Mutex::new(Ok(Role::Auditor))));
        let layer = AuthenticateLayer::new(Arc::clone(&fixed), Arc::new(Table), Reflection::Open);
        let held = Held::default();
        if granted {
            held.granted(Aim::System, Act::Plain);
        }
        let hold = Hold {
            layer,
            rpc: "keyway.vault.v1.AuditService/Export",
            credentials: Credentials {
                bearer: Some(Secret::new("kwa_test".to_owned())),
                peer: Peer::default(),
            },
            within: None,
            held,
        };
        let stream = tokio::spawn(hold.ends());
        sleep(Duration::from_mins(1)).await;
        *fixed.0.lock().unwrap() = becomes;
        let changed = Instant::now();
        let fault = timeout(Duration::from_mins(1), stream).await.ok()?.unwrap();
        Some((fault.reason, changed.elapsed()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_within_a_second_of_its_credential_or_its_role() {
        for granted in [true, false] {
            for (becomes, reason) in [
                (Err(caller_unknown()), Reason::CallerUnknown),
                (Ok(Role::Reader), Reason::Denied),
            ] {
                let (ended, after) = ends(becomes, granted).await.unwrap();
                assert_eq!(ended, reason);
                assert!(after < Duration::from_secs(1), "{after:?}");
            }
            assert_eq!(ends(Ok(Role::Auditor), granted).await, None, "it goes on");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_whose_caller_can_not_be_confirmed_ends_as_unavailable_after_a_moment() {
        let (ended, after) = ends(Err(away()), true).await.unwrap();
        assert_eq!(ended, Reason::VaultUnavailable);
        assert!((UNSURE / 2..UNSURE * 2).contains(&after), "{after:?}");
    }
}
