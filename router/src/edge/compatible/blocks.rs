//! A neutral answer as a row of blocks, for shapes whose answers are rows of blocks, whole or as
//! it comes: what begins, what is added, what ends. Pure.

use keyway_router_providers::chat::{
    AssistantPart, ChatDelta, ReasoningPart, ToolCall, ToolCallDelta,
};

use super::sealed::Sealing;

/// One block as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block {
    /// Text.
    Text(String),
    /// A refusal.
    Refusal(String),
    /// Reasoning, and once it has ended the same sealed, with its signature.
    Reasoning {
        text: String,
        sealed: String,
        redacted: bool,
    },
    /// A call under the id that its caller sees.
    Call {
        id: String,
        name: String,
        arguments: String,
    },
}

/// What happens to the block of a number.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is new, and empty but for what never changes.
    Begin(usize),
    /// Its text or its arguments go on.
    More(usize, String),
    /// It is whole.
    End(usize),
}

/// The blocks of one answer.
#[derive(Debug)]
pub(super) struct Blocks {
    sealing: Sealing,
    all: Vec<Block>,
    open: Option<usize>,
    /// The reasoning of the open block.
    thought: ReasoningPart,
    /// The provider's numbers of calls, and their blocks.
    calls: Vec<(u32, usize)>,
}

impl Blocks {
    pub(super) const fn new(sealing: Sealing) -> Self {
        Self {
            sealing,
            all: Vec::new(),
            open: None,
            thought: ReasoningPart {
                text: String::new(),
                signature: Vec::new(),
                redacted: false,
            },
            calls: Vec::new(),
        }
    }

    /// The blocks of a whole answer.
    pub(super) fn whole(sealing: Sealing, parts: Vec<AssistantPart>) -> Vec<Block> {
        let mut blocks = Self::new(sealing);
        for (part, index) in parts.into_iter().zip(0..) {
            blocks.piece(delta(part, index));
        }
        blocks.end();
        blocks.all
    }

    /// Those so far.
    pub(super) fn all(&self) -> &[Block] {
        &self.all
    }

    pub(super) fn get(&self, at: usize) -> Option<&Block> {
        self.all.get(at)
    }

    /// One more piece.
    pub(super) fn piece(&mut self, piece: ChatDelta) -> Vec<Step> {
        let mut steps = Vec::new();
        match piece {
            ChatDelta::Text(text) => {
                let same = |block: &Block| matches!(block, Block::Text(_));
                let at = self.at(same, || Block::Text(String::new()), &mut steps);
                self.more(at, text, &mut steps);
            }
            ChatDelta::Refusal(text) => {
                let same = |block: &Block| matches!(block, Block::Refusal(_));
                let at = self.at(same, || Block::Refusal(String::new()), &mut steps);
                self.more(at, text, &mut steps);
            }
            ChatDelta::Reasoning(part) => self.reasoning(part, &mut steps),
            ChatDelta::ToolCall(call) => self.call(call, &mut steps),
        }
        steps
    }

    /// The end of the answer.
    pub(super) fn end(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.close(&mut steps);
        steps
    }

    fn reasoning(&mut self, part: ReasoningPart, steps: &mut Vec<Step>) {
        if part.redacted {
            let sealed = self.sealing.thought(&part);
            let text = String::new();
            self.begin(
                Block::Reasoning {
                    text,
                    sealed,
                    redacted: true,
                },
                steps,
            );
            self.end_block(steps);
            return;
        }
        if part.text.is_empty() && part.signature.is_empty() {
            return;
        }
        let same = |block: &Block| matches!(block, Block::Reasoning { redacted, .. } if !redacted);
        let new = || Block::Reasoning {
            text: String::new(),
            sealed: String::new(),
            redacted: false,
        };
        let at = self.at(same, new, steps);
        self.thought.text.push_str(&part.text);
        self.more(at, part.text, steps);
        if !part.signature.is_empty() {
            self.thought.signature = part.signature;
            self.close(steps);
        }
    }

    /// The id and the name come with the first piece of a call.
    fn call(&mut self, call: ToolCallDelta, steps: &mut Vec<Step>) {
        let known = |(index, _): &&(u32, usize)| *index == call.index;
        let at = match (call.id, self.calls.iter().rev().find(known)) {
            (None, Some((_, at))) => *at,
            (id, _) => {
                let id = self.sealing.call(id.unwrap_or_default(), &call.signature);
                let begun = Block::Call {
                    id,
                    name: call.name.unwrap_or_default(),
                    arguments: String::new(),
                };
                let at = self.begin(begun, steps);
                self.calls.push((call.index, at));
                at
            }
        };
        self.more(at, call.arguments, steps);
    }

    /// The open block if it is one of these, else a new one.
    fn at(
        &mut self,
        same: impl Fn(&Block) -> bool,
        new: impl FnOnce() -> Block,
        steps: &mut Vec<Step>,
    ) -> usize {
        let open = self.open.filter(|at| self.get(*at).is_some_and(same));
        open.unwrap_or_else(|| self.begin(new(), steps))
    }

    fn begin(&mut self, block: Block, steps: &mut Vec<Step>) -> usize {
        self.close(steps);
        let at = self.all.len();
        self.all.push(block);
        self.open = Some(at);
        steps.push(Step::Begin(at));
        at
    }

    fn more(&mut self, at: usize, more: String, steps: &mut Vec<Step>) {
        if more.is_empty() {
            return;
        }
        match self.all.get_mut(at) {
            Some(
                Block::Text(text)
                | Block::Refusal(text)
                | Block::Reasoning { text, .. }
                | Block::Call {
                    arguments: text, ..
                },
            ) => text.push_str(&more),
            None => return,
        }
        steps.push(Step::More(at, more));
    }

    /// Ends the open block. Only whole reasoning can be sealed.
    fn close(&mut self, steps: &mut Vec<Step>) {
        let open = self.open.and_then(|at| self.all.get_mut(at));
        if let Some(Block::Reasoning { sealed, .. }) = open {
            *sealed = self.sealing.thought(&std::mem::take(&mut self.thought));
        }
        self.end_block(steps);
    }

    fn end_block(&mut self, steps: &mut Vec<Step>) {
        steps.extend(self.open.take().map(Step::End));
    }
}

/// A part as the one piece that it comes in.
fn delta(part: AssistantPart, index: u32) -> ChatDelta {
    match part {
        AssistantPart::Text(text) => ChatDelta::Text(text),
        AssistantPart::Refusal(text) => ChatDelta::Refusal(text),
        AssistantPart::Reasoning(part) => ChatDelta::Reasoning(part),
        AssistantPart::ToolCall(ToolCall {
            id,
            name,
            arguments,
            signature,
        }) => ChatDelta::ToolCall(ToolCallDelta {
            index,
            id: Some(id),
            name: Some(name),
            arguments,
            signature,
        }),
    }
}
