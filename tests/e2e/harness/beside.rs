//! A process of the product beside those that the launcher started.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use keyway::ready::get;
use keyway::{Child, Environment, Part};

use super::{BOUND, Product, wait_for};

/// A vault or a router of a test's own, which can be stopped and started again.
pub(super) struct Beside {
    part: Part,
    program: PathBuf,
    args: Vec<OsString>,
    environment: Environment,
    log: PathBuf,
    operations: SocketAddr,
    child: Child,
}

#[cfg_attr(
    not(feature = "external"),
    expect(
        dead_code,
        reason = "only tests with servers of their own stop and start it again"
    )
)]
impl Beside {
    /// Starts it with the configuration of the first one but for `environment`, and waits until it
    /// is ready.
    pub(super) async fn start(
        product: &Product,
        part: Part,
        environment: Environment,
        operations: SocketAddr,
    ) -> Self {
        let site = &product.running.site;
        let mut args: Vec<OsString> = ["--parent-stdin", "--config"].map(Into::into).into();
        args.push(site.state.config(part).into());
        let name = format!("logs/{}-{}.log", part.as_str(), operations.port());
        let log = site.state.path(&name);
        let child = Child::spawn(&site.program, part, &args, &environment, &log);
        let beside = Self {
            part,
            program: site.program.clone(),
            args,
            environment,
            log,
            operations,
            child: child.expect("it starts"),
        };
        beside.ready().await;
        beside
    }

    /// Kills it as the kernel would.
    pub(super) async fn kill(&mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// Asks it to stop, as a deployment does, and waits; whether it ended well.
    pub(super) async fn stop(&mut self) -> bool {
        let ended = self.child.stop(BOUND).await;
        ended.expect("it ends").success()
    }

    /// Starts it again after it ended.
    pub(super) async fn start_again(&mut self) {
        let started = Child::spawn(
            &self.program,
            self.part,
            &self.args,
            &self.environment,
            &self.log,
        );
        self.child = started.expect("it starts");
        self.ready().await;
    }

    async fn ready(&self) {
        let ready = async || {
            let (status, _body) = get(self.operations, "/readyz").await.ok()?;
            (status == 200).then_some(())
        };
        wait_for("one more process", ready).await;
    }
}
