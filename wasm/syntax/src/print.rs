//! The tree as text again, in bash's own layout, for `type`, `declare -f`, job lists and messages.

use crate::ast::*;

/// A word as it could have been written.
pub fn word(word: &Word) -> Vec<u8> {
    let mut printer = Printer::default();
    printer.parts(&word.parts, false);
    printer.text
}

/// `[i]`
pub fn subscript(subscript: &Subscript) -> Vec<u8> {
    let inner = match subscript {
        Subscript::All => b"@".to_vec(),
        Subscript::Joined => b"*".to_vec(),
        Subscript::Index { key, .. } => word(key),
    };
    [b"[", &inner[..], b"]"].concat()
}

/// `a=(b "c d")`
pub fn assignment(assignment: &Assignment) -> Vec<u8> {
    let mut printer = Printer::default();
    printer.assignment(assignment);
    printer.text
}

/// An and-or list on one line.
pub fn chain(chain: &AndOr) -> Vec<u8> {
    let mut printer = Printer::default();
    printer.chain(chain);
    printer.finish()
}

/// A simple command with its redirections.
pub fn simple(simple: &Simple, redirections: &[Redirection]) -> Vec<u8> {
    let mut printer = Printer::default();
    printer.simple(simple);
    printer.redirections(redirections);
    printer.finish()
}

/// `( … )`
pub fn subshell(list: &List, redirections: &[Redirection]) -> Vec<u8> {
    let mut printer = Printer::default();
    printer.put("( ");
    printer.inline_list(list);
    printer.put(" )");
    printer.redirections(redirections);
    printer.finish()
}

pub fn command(command: &Command) -> Vec<u8> {
    let mut printer = Printer::default();
    printer.command(command);
    printer.finish()
}

/// A whole function, as `type` shows it.
pub fn function(function: &Function) -> Vec<u8> {
    let mut printer = Printer::default();
    printer.text.extend_from_slice(&function.name);
    printer.put(" () \n");
    printer.function_body(&function.body);
    printer.finish()
}

pub fn condition_operator(operator: ConditionOperator) -> &'static str {
    use ConditionOperator::*;
    match operator {
        Match => "==",
        NotMatch => "!=",
        Regex => "=~",
        Before => "<",
        After => ">",
        Equal => "-eq",
        NotEqual => "-ne",
        LessThan => "-lt",
        LessEqual => "-le",
        GreaterThan => "-gt",
        GreaterEqual => "-ge",
        NewerThan => "-nt",
        OlderThan => "-ot",
        SameFile => "-ef",
    }
}

#[derive(Default)]
struct Printer {
    text: Vec<u8>,
    indent: usize,
    /// Here-documents whose bodies follow at the end of the line.
    documents: Vec<std::rc::Rc<HereDocument>>,
}

impl Printer {
    fn finish(mut self) -> Vec<u8> {
        self.bodies();
        self.text
    }

    fn put(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    fn line(&mut self) {
        self.bodies();
        self.put("\n");
        let indent = " ".repeat(self.indent);
        self.put(&indent);
    }

    fn bodies(&mut self) {
        for document in std::mem::take(&mut self.documents) {
            self.put("\n");
            if let Some(body) = document.body.get() {
                self.body_text(&body.parts);
            }
            self.text.extend_from_slice(&document.delimiter);
            self.put("\n");
        }
    }

    fn body_text(&mut self, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Literal(text) | Part::Quoted(text) => self.text.extend_from_slice(text),
                Part::DoubleQuoted(inner) => self.body_text(inner),
                part => self.part(part, true),
            }
        }
    }

    fn parts(&mut self, parts: &[Part], quoted: bool) {
        parts.iter().for_each(|part| self.part(part, quoted));
    }

    fn part(&mut self, part: &Part, quoted: bool) {
        match part {
            Part::Literal(text) if quoted => text.iter().for_each(|byte| {
                if matches!(byte, b'"' | b'\\' | b'$' | b'`') {
                    self.text.push(b'\\');
                }
                self.text.push(*byte);
            }),
            Part::Literal(text) => self.text.extend_from_slice(text),
            Part::Quoted(text) => self.quoted(text),
            Part::DoubleQuoted(inner) => {
                self.put("\"");
                self.parts(inner, true);
                self.put("\"");
            }
            Part::Variable(name) => {
                self.put("$");
                self.text.extend_from_slice(&name.text());
            }
            Part::Parameter(parameter) => self.text.extend_from_slice(&parameter.text),
            Part::Command(substitution) => {
                self.put("$(");
                self.inline_list(&substitution.list);
                self.put(")");
            }
            Part::Arithmetic(arithmetic) => {
                self.put("$((");
                self.body_text(&arithmetic.text.parts);
                self.put("))");
            }
            Part::Process(substitution) => {
                self.put(if substitution.reads { ">(" } else { "<(" });
                self.inline_list(&substitution.list);
                self.put(")");
            }
            Part::Tilde(user) => {
                self.put("~");
                self.text.extend_from_slice(user);
            }
        }
    }

    fn quoted(&mut self, text: &[u8]) {
        if let [byte] = text
            && !byte.is_ascii_alphanumeric()
            && *byte != b'\n'
            && *byte != b'\''
        {
            self.text.extend_from_slice(&[b'\\', *byte]);
            return;
        }
        if text.iter().any(|byte| *byte < 32) {
            self.put("$'");
            for byte in text {
                match byte {
                    b'\n' => self.put("\\n"),
                    b'\t' => self.put("\\t"),
                    b'\'' => self.put("\\'"),
                    b'\\' => self.put("\\\\"),
                    0..32 => self.put(&format!("\\{byte:03o}")),
                    byte => self.text.push(*byte),
                }
            }
        } else {
            self.put("'");
            for byte in text {
                match byte {
                    b'\'' => self.put("'\\''"),
                    byte => self.text.push(*byte),
                }
            }
        }
        self.put("'");
    }

    fn inline_list(&mut self, list: &List) {
        for (at, item) in list.items.iter().enumerate() {
            if at > 0 {
                self.put(if list.items.get(at - 1).is_some_and(|before| before.background) { " " } else { "; " });
            }
            self.chain(&item.chain);
            if item.background {
                self.put(" &");
            }
        }
    }

    /// One command a line, each ended by `;` except before a line that needs none.
    fn list(&mut self, list: &List, ends: bool) {
        for (at, item) in list.items.iter().enumerate() {
            if at > 0 {
                self.line();
            }
            self.chain(&item.chain);
            let is_last = at + 1 == list.items.len();
            if item.background {
                self.put(" &");
            } else if (!is_last || ends) && self.documents.is_empty() {
                self.put(";");
            }
        }
    }

    fn block(&mut self, list: &List, ends: bool) {
        self.indent += 4;
        self.line();
        self.list(list, ends);
        self.indent -= 4;
        self.line();
    }

    fn chain(&mut self, chain: &AndOr) {
        self.pipeline(&chain.first);
        for (connector, pipeline) in &chain.rest {
            self.put(if *connector == Connector::And { " && " } else { " || " });
            self.pipeline(pipeline);
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        match pipeline.timed {
            Some(Timing::Bash) => self.put("time "),
            Some(Timing::Posix) => self.put("time -p "),
            None => {}
        }
        if pipeline.negated {
            self.put("! ");
        }
        for (at, command) in pipeline.commands.iter().enumerate() {
            if at > 0 {
                self.put(" | ");
            }
            self.command(command);
        }
    }

    fn command(&mut self, command: &Command) {
        self.kind(&command.kind);
        self.redirections(&command.redirections);
    }

    fn redirections(&mut self, redirections: &[Redirection]) {
        for redirection in redirections {
            if self.text.last().is_some_and(|byte| *byte != b' ') {
                self.put(" ");
            }
            self.redirection(redirection);
        }
    }

    fn kind(&mut self, kind: &CommandKind) {
        match kind {
            CommandKind::Simple(simple) => self.simple(simple),
            CommandKind::Group(list) => {
                self.put("{ ");
                self.block(list, false);
                self.put("}");
            }
            CommandKind::Subshell(list) => {
                self.put("( ");
                self.list(list, false);
                self.put(" )");
            }
            CommandKind::If(parts) => self.print_if(parts),
            CommandKind::Loop(parts) => {
                self.put(if parts.until { "until " } else { "while " });
                self.inline_list(&parts.condition);
                self.put("; do");
                self.block(&parts.body, true);
                self.put("done");
            }
            CommandKind::For(parts) => self.print_for("for ", parts),
            CommandKind::Select(parts) => self.print_for("select ", parts),
            CommandKind::ArithmeticFor(parts) => {
                self.put("for ((");
                for (at, step) in [&parts.initial, &parts.condition, &parts.step].into_iter().enumerate() {
                    if at > 0 {
                        self.put("; ");
                    }
                    match step {
                        Some(step) => {
                            let mut inner = Printer::default();
                            inner.body_text(&step.text.parts);
                            self.text.extend_from_slice(inner.text.trim_ascii());
                        }
                        None => self.put("1"),
                    }
                }
                self.put("))");
                self.line();
                self.put("do");
                self.block(&parts.body, true);
                self.put("done");
            }
            CommandKind::Case(parts) => self.print_case(parts),
            CommandKind::Condition(condition) => {
                self.put("[[ ");
                self.condition(condition);
                self.put(" ]]");
            }
            CommandKind::Arithmetic(arithmetic) => {
                self.put("((");
                self.body_text(&arithmetic.text.parts);
                self.put("))");
            }
            CommandKind::Function(function) => {
                self.put("function ");
                self.text.extend_from_slice(&function.name);
                self.put(" () ");
                self.line();
                self.function_body(&function.body);
            }
            CommandKind::Coprocess(coprocess) => {
                self.put("coproc ");
                self.command(&coprocess.body);
            }
        }
    }

    fn function_body(&mut self, body: &Command) {
        if matches!(body.kind, CommandKind::Group(_)) {
            return self.command(body);
        }
        self.put("{ ");
        self.indent += 4;
        self.line();
        self.command(body);
        self.indent -= 4;
        self.line();
        self.put("}");
    }

    fn simple(&mut self, simple: &Simple) {
        let mut first = true;
        let mut space = |printer: &mut Printer| {
            if !std::mem::take(&mut first) {
                printer.put(" ");
            }
        };
        for assignment in &simple.assignments {
            space(self);
            self.assignment(assignment);
        }
        for argument in &simple.words {
            space(self);
            match argument {
                Argument::Word(word) => self.parts(&word.parts, false),
                Argument::Assignment(assignment) => self.assignment(assignment),
            }
        }
    }

    fn assignment(&mut self, assignment: &Assignment) {
        self.text.extend_from_slice(&assignment.name.text());
        if let Some(place) = &assignment.subscript {
            self.text.extend_from_slice(&subscript(place));
        }
        self.put(if assignment.append { "+=" } else { "=" });
        match &assignment.value {
            AssignedValue::None => {}
            AssignedValue::Word(word) => self.parts(&word.parts, false),
            AssignedValue::Array(elements) => {
                self.put("(");
                for (at, element) in elements.iter().enumerate() {
                    if at > 0 {
                        self.put(" ");
                    }
                    if let Some(place) = &element.subscript {
                        self.text.extend_from_slice(&subscript(place));
                        self.put(if element.append { "+=" } else { "=" });
                    }
                    self.parts(&element.value.parts, false);
                }
                self.put(")");
            }
        }
    }

    fn print_if(&mut self, parts: &If) {
        for (at, (condition, body)) in parts.branches.iter().enumerate() {
            if at == 0 {
                self.put("if ");
            } else {
                // An elif is an if within an else.
                self.put("else");
                self.indent += 4;
                self.line();
                self.put("if ");
            }
            self.inline_list(condition);
            self.put("; then");
            self.block(body, true);
        }
        if let Some(body) = &parts.otherwise {
            self.put("else");
            self.block(body, true);
        }
        self.put("fi");
        for _ in 1..parts.branches.len() {
            self.put(";");
            self.indent -= 4;
            self.line();
            self.put("fi");
        }
    }

    fn print_for(&mut self, keyword: &str, parts: &For) {
        self.put(keyword);
        self.text.extend_from_slice(&parts.name);
        self.put(" in");
        match &parts.words {
            Some(words) => words.iter().for_each(|word| {
                self.put(" ");
                self.parts(&word.parts, false);
            }),
            None => self.put(" \"$@\""),
        }
        self.put(";");
        self.line();
        self.put("do");
        self.block(&parts.body, true);
        self.put("done");
    }

    fn print_case(&mut self, parts: &Case) {
        self.put("case ");
        self.parts(&parts.subject.parts, false);
        self.put(" in ");
        self.indent += 4;
        for arm in &parts.arms {
            self.line();
            for (at, pattern) in arm.patterns.iter().enumerate() {
                if at > 0 {
                    self.put(" | ");
                }
                self.parts(&pattern.parts, false);
            }
            self.put(")");
            self.block(&arm.body, false);
            self.put(match arm.end {
                CaseEnd::Break => ";;",
                CaseEnd::FallThrough => ";&",
                CaseEnd::Continue => ";;&",
            });
        }
        self.indent -= 4;
        self.line();
        self.put("esac");
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::NotEmpty(word) => {
                self.put("-n ");
                self.parts(&word.parts, false);
            }
            Condition::Unary(letter, word) => {
                self.text.extend_from_slice(&[b'-', *letter, b' ']);
                self.parts(&word.parts, false);
            }
            Condition::Binary(operator, left, right) => {
                self.parts(&left.parts, false);
                self.put(" ");
                self.put(condition_operator(*operator));
                self.put(" ");
                self.parts(&right.parts, false);
            }
            Condition::Not(inner) => {
                self.put("! ");
                self.condition(inner);
            }
            Condition::And(left, right) => self.pair(left, " && ", right),
            Condition::Or(left, right) => self.pair(left, " || ", right),
            Condition::Nested(inner) => {
                self.put("( ");
                self.condition(inner);
                self.put(" )");
            }
        }
    }

    fn pair(&mut self, left: &Condition, operator: &str, right: &Condition) {
        self.condition(left);
        self.put(operator);
        self.condition(right);
    }

    fn redirection(&mut self, redirection: &Redirection) {
        use RedirectionKind::*;
        match &redirection.descriptor {
            Descriptor::Default => {}
            Descriptor::Number(number) => self.put(&number.to_string()),
            Descriptor::Variable(name) => {
                self.put("{");
                self.text.extend_from_slice(&name.text());
                self.put("}");
            }
        }
        let (operator, word) = match &redirection.operation {
            Read(word) => ("< ", word),
            Write(word) => ("> ", word),
            Clobber(word) => (">| ", word),
            Append(word) => (">> ", word),
            ReadWrite(word) => ("<> ", word),
            WriteBoth(word) => ("&> ", word),
            AppendBoth(word) => ("&>> ", word),
            DuplicateInput(word) => ("<&", word),
            DuplicateOutput(word) => (">&", word),
            HereString(word) => ("<<< ", word),
            HereDocument(document) => {
                self.put(if document.strip_tabs { "<<-" } else { "<<" });
                if document.quoted {
                    self.put("'");
                }
                self.text.extend_from_slice(&document.delimiter);
                if document.quoted {
                    self.put("'");
                }
                self.documents.push(document.clone());
                return;
            }
        };
        self.put(operator);
        self.parts(&word.parts, false);
    }
}
