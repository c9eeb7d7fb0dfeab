//! What the fuzz target reaches of the shapes' insides. Not part of any build that is shipped.

use std::sync::{Arc, LazyLock};

use keyway_chassis::access::Caller;
use keyway_chassis::deadline::Deadline;
use keyway_proto::{Fault, Reason};
use keyway_router_pricing::Catalogue;
use keyway_router_providers::registry;
use keyway_words::{CallId, Role, WorkspaceId};

use super::sealed::SealKey;
use super::shape::Shape;
use crate::call::{self, Call, Origin, Work};

/// How many shapes there are.
pub const SHAPES: usize = 3;

static CATALOGUE: LazyLock<Option<Catalogue>> = LazyLock::new(|| Catalogue::builtin().ok());

/// The body that a provider would get for a request in the shape of this number.
pub fn sent(shape: usize, body: &[u8]) -> Result<Vec<u8>, Fault> {
    let shape = [Shape::Completions, Shape::Messages, Shape::Responses][shape % SHAPES];
    let lost = || Fault::new(Reason::Internal, "the target itself is broken");
    let catalogue = CATALOGUE.as_ref().ok_or_else(lost)?;
    let workspace: WorkspaceId = "demo".parse().map_err(|_form| lost())?;
    let seal = SealKey::new(b"a key").ok_or_else(lost)?.of(&workspace);
    let provider_of = |name: &str| call::model(name, catalogue).map(|(provider, _)| provider);
    let asked = shape.read(body, String::new(), &seal, provider_of)?;
    let call = Call::chat(origin(workspace), asked.request, asked.stream, catalogue);
    let call = call.map_err(|fault| shape.renamed(fault))?;
    let (Work::Chat(chat) | Work::StreamChat(chat)) = &call.work else {
        return Err(lost());
    };
    let adapter = registry::adapter(call.provider).ok_or_else(lost)?;
    let request = adapter.chat(chat, asked.stream).map_err(|error| {
        // Which fields a provider lacks is told by name too.
        Fault::new(Reason::FieldUnsupported, error.to_string())
    })?;
    Ok(request.body.to_vec())
}

fn origin(workspace: WorkspaceId) -> Origin {
    let caller = Caller {
        accessor: "fuzz".into(),
        subject: "service:fuzz".into(),
        role: Role::Caller,
        workspace: Some(workspace),
        expire_time: None,
        listed: None,
        grants: Arc::new([]),
        others: Arc::new([]),
    };
    Origin {
        id: CallId::new(),
        caller,
        deadline: Deadline::NONE,
    }
}
