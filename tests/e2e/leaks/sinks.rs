//! Every place where a secret could come to rest or be shown: files, processes, errors, metrics.

use std::path::Path;

use keyway::Part;
use keyway::ready::get;
use tonic::Status;

use crate::harness::Product;

/// Something that could leak: what it is, and its bytes.
pub(super) type Sink = (String, Vec<u8>);

/// Every file below a folder, by its path in it.
pub(super) fn files(root: &Path) -> Vec<Sink> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                let name = path.strip_prefix(root).expect("below the root");
                found.push((name.display().to_string(), bytes));
            }
        }
    }
    found
}

/// What the operations ports show.
pub(super) async fn operations(product: &Product) -> Vec<Sink> {
    let mut found = Vec::new();
    let addresses = &product.running.site.addresses;
    for (part, address) in [
        (Part::Vault, addresses.vault_operations),
        (Part::Router, addresses.router_operations),
    ] {
        found.push((metrics_of(part), product.metrics(part).await.into()));
        let (_, ready) = get(address, "/readyz").await.expect("an answer");
        found.push((format!("/readyz of the {}", part.as_str()), ready.into()));
    }
    found
}

/// The name of a service's metrics.
pub(super) fn metrics_of(part: Part) -> String {
    format!("/metrics of the {}", part.as_str())
}

/// Command line and environment of every process.
pub(super) fn processes(product: &Product) -> Vec<Sink> {
    let running = &product.running;
    let children = [
        Some(&running.vault),
        Some(&running.router),
        running.simulator.as_ref(),
    ];
    let mut found = Vec::new();
    for child in children.into_iter().flatten() {
        let id = child.id().expect("it runs");
        for what in ["cmdline", "environ"] {
            let bytes = std::fs::read(format!("/proc/{id}/{what}")).unwrap_or_default();
            found.push((format!("{what} of the {}", child.part().as_str()), bytes));
        }
    }
    found
}

/// Everything that a refused caller gets: message, details, metadata.
pub(super) fn status(what: &str, status: &Status) -> Vec<Sink> {
    let metadata = format!("{:?}", status.metadata());
    vec![
        (format!("message of {what}"), status.message().into()),
        (format!("details of {what}"), status.details().to_vec()),
        (format!("metadata of {what}"), metadata.into()),
    ]
}
