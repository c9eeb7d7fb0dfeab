//! The neutral schema's names of fields as a shape's callers know them. Pure.

use keyway_proto::Fault;

/// The names of one shape.
#[derive(Debug)]
pub(super) struct Names {
    /// Neutral names, and those here.
    pub(super) whole: &'static [(&'static str, &'static str)],
    /// Pieces of names with places in them, such as `tools[0].parameters_json`.
    pub(super) pieces: &'static [(&'static str, &'static str)],
    /// What the conversation is called where its turns have other places than here.
    pub(super) shifted: Option<&'static str>,
}

impl Names {
    /// The same fault about the field that its caller wrote.
    pub(super) fn renamed(&self, mut fault: Fault) -> Fault {
        let Some(field) = fault.field.take() else {
            return fault;
        };
        let name = self.name(&field);
        if name != field {
            fault.message = fault.message.replacen(&field, &name, 1);
        }
        fault.field = Some(name);
        fault
    }

    fn name(&self, field: &str) -> String {
        let mut whole = self.whole.iter();
        if let Some((_, here)) = whole.find(|(neutral, _)| field == *neutral) {
            return (*here).to_owned();
        }
        if let Some(conversation) = self.shifted
            && (field == "messages" || field.starts_with("messages["))
        {
            return conversation.to_owned();
        }
        let mut name = field.to_owned();
        for (neutral, here) in self.pieces {
            name = name.replace(neutral, here);
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::Shape;
    use super::*;

    #[test]
    fn a_fault_names_the_field_as_its_caller_wrote_it() {
        for (shape, neutral, here) in [
            (Shape::Completions, "reasoning.effort", "reasoning_effort"),
            (
                Shape::Completions,
                "tools[3].parameters_json",
                "tools[3].function.parameters",
            ),
            (
                Shape::Completions,
                "messages[0].parts[1].image",
                "messages[0].content[1].image",
            ),
            (Shape::Completions, "inputs[7]", "input[7]"),
            (Shape::Completions, "temperature", "temperature"),
            (Shape::Messages, "reasoning.effort", "output_config.effort"),
            (
                Shape::Messages,
                "tools[3].parameters_json",
                "tools[3].input_schema",
            ),
            // Instructions are a turn of the neutral schema, so that places differ.
            (Shape::Messages, "messages[2].parts[1].image", "messages"),
            (Shape::Responses, "messages[2].parts[1].image", "input"),
            (Shape::Responses, "max_output_tokens", "max_output_tokens"),
        ] {
            let fault = shape.renamed(Fault::field(neutral, "must be so"));
            assert_eq!(fault.field.as_deref(), Some(here));
            assert_eq!(fault.message, format!("{here}: must be so"));
        }
        let plain = Fault::new(keyway_proto::Reason::NoKey, "no key");
        assert_eq!(Shape::Messages.renamed(plain.clone()), plain);
    }
}
