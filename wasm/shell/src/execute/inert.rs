//! Which words can be expanded in the shell itself though bash expands them in a child process: those whose expansion
//! changes nothing and reads no descriptor.

use tidepool_syntax::arithmetic::Expression;
use tidepool_syntax::ast::{
    Argument, Arithmetic, AssignedValue, Assignment, Command, List, Operation, Parameter, Part, Redirection, RedirectionKind,
    Simple, Subscript, Word,
};

/// The command of a list that is one command and nothing else.
pub fn only_command(list: &List) -> Option<&Command> {
    let [item] = list.items.as_slice() else {
        return None;
    };
    let pipeline = &item.chain.first;
    match pipeline.commands.as_slice() {
        [command] if !item.background && item.chain.rest.is_empty() && !pipeline.negated && pipeline.timed.is_none() => {
            Some(command)
        }
        _ => None,
    }
}

/// No expansion in the command changes the shell; commands may be substituted.
pub fn is_harmless(simple: &Simple) -> bool {
    all_words(simple, true)
}

/// As `is_harmless`, and no command is substituted: a substituted command would read the stage's standard input.
pub fn is_inert(simple: &Simple) -> bool {
    all_words(simple, false)
}

fn all_words(simple: &Simple, commands: bool) -> bool {
    simple.assignments.iter().all(|assignment| assignment_is_inert(assignment, commands))
        && simple.words.iter().all(|argument| match argument {
            Argument::Word(word) => word_is_inert(word, commands),
            Argument::Assignment(assignment) => assignment_is_inert(assignment, commands),
        })
}

fn assignment_is_inert(assignment: &Assignment, commands: bool) -> bool {
    assignment.subscript.is_none() && matches!(&assignment.value, AssignedValue::Word(word) if word_is_inert(word, commands))
}

pub fn redirection_is_inert(redirection: &Redirection) -> bool {
    if matches!(redirection.descriptor, tidepool_syntax::ast::Descriptor::Variable(_)) {
        return false;
    }
    match &redirection.operation {
        RedirectionKind::Read(word)
        | RedirectionKind::Write(word)
        | RedirectionKind::Clobber(word)
        | RedirectionKind::Append(word)
        | RedirectionKind::ReadWrite(word)
        | RedirectionKind::WriteBoth(word)
        | RedirectionKind::AppendBoth(word)
        | RedirectionKind::DuplicateInput(word)
        | RedirectionKind::DuplicateOutput(word)
        | RedirectionKind::HereString(word) => word_is_inert(word, false),
        RedirectionKind::HereDocument(document) => document.body.get().is_none_or(|word| word_is_inert(word, false)),
    }
}

fn word_is_inert(word: &Word, commands: bool) -> bool {
    word.parts.iter().all(|part| part_is_inert(part, commands))
}

fn part_is_inert(part: &Part, commands: bool) -> bool {
    match part {
        Part::Literal(_) | Part::Quoted(_) | Part::Variable(_) | Part::Tilde(_) => true,
        Part::DoubleQuoted(inner) => inner.iter().all(|part| part_is_inert(part, commands)),
        Part::Parameter(parameter) => parameter_is_inert(parameter, commands),
        Part::Arithmetic(arithmetic) => arithmetic_is_inert(arithmetic, commands),
        Part::Command(_) => commands,
        Part::Process(_) => false,
    }
}

fn parameter_is_inert(parameter: &Parameter, commands: bool) -> bool {
    let subscript = match &parameter.subscript {
        Some(Subscript::Index { key, index }) => word_is_inert(key, commands) && arithmetic_is_inert(index, commands),
        _ => true,
    };
    subscript
        && match &parameter.operation {
            Operation::None | Operation::Length | Operation::Transform(_) | Operation::Names { .. } | Operation::Keys => true,
            Operation::Default { word, .. } | Operation::Alternative { word, .. } => word_is_inert(word, commands),
            Operation::RemovePrefix { pattern, .. } | Operation::RemoveSuffix { pattern, .. } => word_is_inert(pattern, commands),
            Operation::Replace { pattern, replacement, .. } => {
                word_is_inert(pattern, commands) && replacement.as_ref().is_none_or(|word| word_is_inert(word, commands))
            }
            Operation::ChangeCase { pattern, .. } => pattern.as_ref().is_none_or(|word| word_is_inert(word, commands)),
            Operation::Substring { offset, length } => {
                arithmetic_is_inert(offset, commands) && length.as_ref().is_none_or(|length| arithmetic_is_inert(length, commands))
            }
            Operation::Assign { .. } | Operation::Error { .. } | Operation::Bad => false,
        }
}

fn arithmetic_is_inert(arithmetic: &Arithmetic, commands: bool) -> bool {
    match &arithmetic.compiled {
        Some(compiled) => {
            expression_is_inert(&compiled.expression) && compiled.operands.iter().all(|part| part_is_inert(part, commands))
        }
        None => false,
    }
}

fn expression_is_inert(expression: &Expression) -> bool {
    match expression {
        Expression::Number(_) | Expression::Operand(_) => true,
        Expression::Variable(place) => place.element.is_none(),
        Expression::Negate(inner) | Expression::Not(inner) | Expression::Complement(inner) => expression_is_inert(inner),
        Expression::Binary(binary) => expression_is_inert(&binary.left) && expression_is_inert(&binary.right),
        Expression::And(both) | Expression::Or(both) | Expression::Comma(both) => {
            expression_is_inert(&both.0) && expression_is_inert(&both.1)
        }
        Expression::Conditional(three) => {
            expression_is_inert(&three.0) && expression_is_inert(&three.1) && expression_is_inert(&three.2)
        }
        Expression::Assign(_) | Expression::Increment(_) => false,
    }
}
