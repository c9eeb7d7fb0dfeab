//! A long list of texts, cut into the requests that its provider takes.

use std::collections::VecDeque;

use keyway_router_providers::embed::{EmbedBatch, EmbedCall};

/// Embeddings that take several requests: the current one, and the texts of those to come.
#[derive(Debug, Clone)]
pub struct EmbedParts {
    current: EmbedCall,
    rest: VecDeque<Vec<String>>,
}

impl EmbedParts {
    /// Cuts a call into parts that keep within `batch`, in order. `dimensions` is the length of the
    /// vectors, as far as it is known: an answer must fit into memory.
    pub fn cut(mut call: EmbedCall, batch: EmbedBatch, dimensions: Option<u64>) -> Self {
        let most = most_inputs(batch, dimensions);
        let mut parts: VecDeque<Vec<String>> = VecDeque::new();
        let mut bytes = 0;
        for text in std::mem::take(&mut call.inputs) {
            let fits = parts
                .back()
                .is_some_and(|part| part.len() < most && bytes + text.len() <= batch.text_bytes);
            if !fits {
                parts.push_back(Vec::new());
                bytes = 0;
            }
            bytes += text.len();
            if let Some(part) = parts.back_mut() {
                part.push(text);
            }
        }
        call.inputs = parts.pop_front().unwrap_or_default();
        Self {
            current: call,
            rest: parts,
        }
    }

    /// How many requests are still to be made, the current one among them.
    pub fn left(&self) -> usize {
        1 + self.rest.len()
    }

    /// The current request.
    pub fn current(&self) -> &EmbedCall {
        &self.current
    }

    /// The same, to be written.
    pub fn current_mut(&mut self) -> &mut EmbedCall {
        &mut self.current
    }

    /// Goes on to the next request; `false` if there is none.
    pub fn advance(&mut self) -> bool {
        let next = self.rest.pop_front();
        let more = next.is_some();
        self.current.inputs = next.unwrap_or_default();
        more
    }
}

/// So many texts that the answer keeps within [`ANSWER`], and within what the provider takes.
fn most_inputs(batch: EmbedBatch, dimensions: Option<u64>) -> usize {
    let dimensions = dimensions.and_then(|length| usize::try_from(length).ok());
    let vector = dimensions
        .unwrap_or(LONGEST_VECTOR)
        .saturating_mul(batch.number_bytes)
        .max(1);
    (ANSWER / vector).clamp(1, batch.inputs.max(1))
}

/// Bytes of one provider's answer that are worth having in memory at once.
const ANSWER: usize = 16 << 20;
/// Taken for granted where nobody says how long a model's vectors are.
const LONGEST_VECTOR: usize = 4_096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BATCH: EmbedBatch = EmbedBatch {
        inputs: 3,
        text_bytes: 10,
        number_bytes: 6,
    };

    fn parts(lengths: &[usize]) -> Vec<Vec<String>> {
        let inputs = lengths.iter().enumerate().map(|(at, length)| {
            let mut text = at.to_string();
            text.push_str(&"x".repeat(*length));
            text
        });
        let call = EmbedCall {
            inputs: inputs.collect(),
            ..EmbedCall::default()
        };
        let mut parts = EmbedParts::cut(call, BATCH, Some(8));
        let mut all = vec![parts.current().inputs.clone()];
        while parts.advance() {
            all.push(parts.current().inputs.clone());
        }
        all
    }

    #[test]
    fn long_vectors_make_smaller_requests() {
        let openai = EmbedBatch {
            inputs: 2_048,
            text_bytes: 300_000,
            number_bytes: 6,
        };
        assert_eq!(most_inputs(openai, Some(256)), 2_048);
        assert_eq!(most_inputs(openai, Some(3_072)), 910);
        assert_eq!(most_inputs(openai, Some(u64::MAX)), 1);
        assert_eq!(most_inputs(openai, Some(0)), 2_048);
        assert_eq!(most_inputs(openai, None), 682);
    }

    proptest! {
        #[test]
        fn every_text_is_in_one_part_in_order_and_parts_keep_within_the_bounds(
            lengths in proptest::collection::vec(0usize..14, 1..40),
        ) {
            let parts = parts(&lengths);
            for part in &parts {
                let bytes: usize = part.iter().map(String::len).sum();
                prop_assert!(!part.is_empty() && part.len() <= 3);
                prop_assert!(bytes <= 10 || part.len() == 1);
            }
            let flat: Vec<String> = parts.into_iter().flatten().collect();
            prop_assert_eq!(flat.len(), lengths.len());
            for (at, (text, length)) in flat.iter().zip(&lengths).enumerate() {
                prop_assert_eq!(text, &format!("{at}{}", "x".repeat(*length)));
            }
        }
    }
}
