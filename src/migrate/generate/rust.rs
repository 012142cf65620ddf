//! Rust in the making: chains of calls, laid out as rustfmt lays them out.

/// What a line may have, as rustfmt's default is.
const WIDTH: usize = 100;
/// What a chain or the arguments of a call may have on one line, as rustfmt's default is.
const SHORT: usize = 60;
const INDENT: usize = 4;

/// `head.call(…).call(…)`.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    head: String,
    links: Vec<Link>,
}

#[derive(Debug, Clone)]
enum Link {
    Call(String, Vec<Argument>),
    /// `.await?`.
    Await,
}

/// An argument of a call.
#[derive(Debug, Clone)]
pub(super) enum Argument {
    Text(String),
    Chain(Chain),
}

impl Chain {
    pub(super) fn new(head: impl Into<String>) -> Self {
        Self {
            head: head.into(),
            links: Vec::new(),
        }
    }

    pub(super) fn call<A: Into<Argument>>(mut self, name: &str, arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        self.links.push(Link::Call(name.to_owned(), arguments));
        self
    }

    /// A call without arguments.
    pub(super) fn plain(self, name: &str) -> Self {
        self.call::<Argument>(name, [])
    }

    pub(super) fn wait(mut self) -> Self {
        self.links.push(Link::Await);
        self
    }

    fn flat(&self) -> String {
        self.links
            .iter()
            .fold(self.head.clone(), |text, link| text + &link.flat())
    }

    /// As it stands at this depth, with so many characters after it on its last line.
    fn at(&self, indent: usize, after: usize) -> String {
        let flat = self.flat();
        // A chain of one call is not broken for its length alone.
        let is_short = flat.len() <= SHORT || self.links.len() == 1;
        if is_short && indent + flat.len() + after <= WIDTH {
            return flat;
        }
        let inner = indent + INDENT;
        let links = self
            .links
            .iter()
            .map(|link| format!("\n{}{}", spaces(inner), link.at(inner)));
        self.head.clone() + &links.collect::<String>()
    }

    /// As a statement, with its semicolon.
    pub(super) fn statement(&self, indent: usize) -> String {
        format!("{}{};\n", spaces(indent), self.at(indent, 1))
    }
}

impl Link {
    fn flat(&self) -> String {
        match self {
            Self::Call(name, arguments) => {
                let arguments: Vec<_> = arguments.iter().map(Argument::flat).collect();
                format!(".{name}({})", arguments.join(", "))
            }
            Self::Await => ".await?".to_owned(),
        }
    }

    fn at(&self, indent: usize) -> String {
        let Self::Call(name, arguments) = self else {
            return self.flat();
        };
        let flat: Vec<_> = arguments.iter().map(Argument::flat).collect();
        let flat = flat.join(", ");
        let line = format!(".{name}({flat})");
        // A lone argument may be longer, if it is no chain.
        let is_lone_text = matches!(arguments.as_slice(), [Argument::Text(_)]);
        if (flat.len() <= SHORT || is_lone_text) && indent + line.len() < WIDTH {
            return line;
        }
        let inner = indent + INDENT;
        let arguments: String = arguments
            .iter()
            .map(|argument| format!("{}{},\n", spaces(inner), argument.at(inner)))
            .collect();
        format!(".{name}(\n{arguments}{})", spaces(indent))
    }
}

impl Argument {
    fn flat(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Chain(chain) => chain.flat(),
        }
    }

    fn at(&self, indent: usize) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Chain(chain) => chain.at(indent, 1),
        }
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Chain> for Argument {
    fn from(chain: Chain) -> Self {
        Self::Chain(chain)
    }
}

pub(super) fn spaces(indent: usize) -> String {
    " ".repeat(indent)
}

/// A string literal.
pub(super) fn string(text: &str) -> String {
    format!("{text:?}")
}

/// `"id"`, or `("tenant_id", "id")`: one name or several, as sea-query takes them.
pub(super) fn name_or_tuple<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.into_iter().map(string).collect();
    match names.as_slice() {
        [one] => one.clone(),
        several => format!("({})", several.join(", ")),
    }
}

/// `["tenant_id", "id"]`.
pub(super) fn array<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.into_iter().map(string).collect();
    format!("[{}]", names.join(", "))
}

/// The lines as a comment.
pub(super) fn commented(code: &str, indent: usize) -> String {
    let margin = spaces(indent);
    code.lines()
        .map(|line| match line.strip_prefix(margin.as_str()).unwrap_or(line) {
            "" => format!("{margin}//\n"),
            rest => format!("{margin}// {rest}\n"),
        })
        .collect()
}

/// A sentence as a comment, broken into lines.
pub(super) fn remark(text: &str, indent: usize) -> String {
    let margin = spaces(indent);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if indent + 3 + line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.into_iter().map(|line| format!("{margin}// {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_laid_out_as_rustfmt_does() {
        let short = Chain::new("manager").call("drop_table", [Chain::new("t")]).wait();
        assert_eq!(short.statement(0), "manager.drop_table(t).await?;\n");
        let column = Chain::new("ColumnDef::new(\"id\")")
            .plain("big_integer")
            .plain("not_null")
            .plain("auto_increment")
            .plain("primary_key");
        let long = Chain::new("manager").call("add_column", [column]).wait();
        assert_eq!(
            long.statement(4),
            "    manager
        .add_column(
            ColumnDef::new(\"id\")
                .big_integer()
                .not_null()
                .auto_increment()
                .primary_key(),
        )
        .await?;
"
        );
    }
}
