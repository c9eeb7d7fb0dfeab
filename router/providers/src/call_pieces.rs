//! Pieces of tool calls in a stream. They belong together by the index that they carry, not by
//! their place in a list.

use crate::chat::ToolCallDelta;
use crate::wire::DecodeError;

/// The calls of one answer that have begun.
#[derive(Debug, Default)]
pub(crate) struct CallPieces(Vec<Begun>);

/// A call that has begun: its index on the wire, and whether its id and name were passed on.
#[derive(Debug)]
struct Begun {
    index: u64,
    has_id: bool,
    has_name: bool,
}

/// One piece as it came.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    /// Index on the wire.
    pub(crate) index: u64,
    /// Id of the call; empty counts as absent.
    pub(crate) id: Option<String>,
    /// Name of the tool; empty counts as absent.
    pub(crate) name: Option<String>,
    /// Arguments to append.
    pub(crate) arguments: String,
}

impl CallPieces {
    /// Whether no call has begun.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The piece as a delta: calls count from 0 in the order in which they began, and id and name
    /// are passed on once.
    pub(crate) fn add(&mut self, piece: Piece) -> Result<ToolCallDelta, DecodeError> {
        let at = self.0.iter().position(|call| call.index == piece.index);
        let at = at.unwrap_or(self.0.len());
        if at == self.0.len() {
            self.0.push(Begun {
                index: piece.index,
                has_id: false,
                has_name: false,
            });
        }
        let too_many = DecodeError::Malformed {
            what: "too many tool calls",
        };
        let index = u32::try_from(at).map_err(|_too_large| too_many.clone())?;
        let call = self.0.get_mut(at).ok_or(too_many)?;
        let once = |text: Option<String>, passed: &mut bool| {
            let text = text.filter(|text| !text.is_empty() && !*passed);
            *passed |= text.is_some();
            text
        };
        Ok(ToolCallDelta {
            index,
            id: once(piece.id, &mut call.has_id),
            name: once(piece.name, &mut call.has_name),
            arguments: piece.arguments,
            signature: Vec::new(),
        })
    }
}
