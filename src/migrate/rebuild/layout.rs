//! [`Layout`]: where the parts of a stored `CREATE TABLE` are (SQLite, "CREATE TABLE"; `parse.y` for what that leaves out: commas between
//! a table's constraints may be missing, a constraint may consist of a name alone, and NULL is one).

use std::ops::Range;

use crate::backend::Backend;
use crate::lex::{Kind, Token, between_commas, group, tokens};
use crate::name::{ColumnName, Relation};

/// The parts of a `CREATE TABLE`.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    /// Where the table's name ends.
    pub(super) name_end: usize,
    /// What is between the commas: columns first, then constraints of the table. SQLite allows no other order.
    pub(super) items: Vec<Item<'a>>,
    /// Where the closing parenthesis is.
    pub(super) close: usize,
}

/// What is between two commas.
#[derive(Debug)]
pub(super) struct Item<'a> {
    /// The column's name, unless it constrains the table.
    pub(super) column: Option<String>,
    pub(super) span: Range<usize>,
    /// The column's type, which may be empty.
    pub(super) data_type: Range<usize>,
    /// The column's constraints, or those of the table.
    pub(super) constraints: Vec<Constraint<'a>>,
}

/// A constraint with its name and its ON CONFLICT.
#[derive(Debug)]
pub(super) struct Constraint<'a> {
    pub(super) what: What,
    /// Where what is before it ends.
    pub(super) behind: usize,
    pub(super) span: Range<usize>,
    tokens: Vec<Token<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Only a name.
    Nothing,
    PrimaryKey,
    NotNull,
    Null,
    Unique,
    Check,
    Default,
    Collate,
    ForeignKey,
    /// DEFERRABLE or NOT DEFERRABLE, which belongs to the foreign key before it.
    Deferral,
    Generated,
}

impl<'a> Layout<'a> {
    /// None if this is no `CREATE TABLE` with a list of columns.
    pub(super) fn of(sql: &'a str) -> Option<Self> {
        let tokens = tokens(Backend::Sqlite, sql);
        // A name in quotes is one token, so this is the list's parenthesis.
        let open = tokens.iter().position(|token| token.is('('))?;
        let name = tokens.get(open.checked_sub(1)?)?;
        let list = tokens.get(open..)?;
        let (body, rest) = group(list)?;
        let close = list.get(list.len() - rest.len() - 1)?;
        let items: Option<Vec<_>> = between_commas(body).into_iter().map(Item::of).collect();
        Some(Self {
            name_end: name.end(),
            items: items?,
            close: close.at,
        })
    }

    pub(super) fn column(&self, name: &ColumnName) -> Option<&Item<'a>> {
        self.items.iter().find(|item| item.is_column(name))
    }
}

impl<'a> Item<'a> {
    fn of(tokens: &[Token<'a>]) -> Option<Self> {
        let (first, last) = (tokens.first()?, tokens.last()?);
        let words = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
        let of_table = words.iter().any(|word| first.is_word(word));
        let (name, rest) = match of_table {
            true => (None, tokens),
            false => (Some(first), tokens.get(1..)?),
        };
        let constraints = constraints(rest, name.map_or(first.at, Token::end));
        let type_from = name.map_or(first.at, Token::end);
        let type_to = constraints.first().map_or(last.end(), |constraint| constraint.behind);
        Some(Self {
            column: name.map(Token::name),
            span: first.at..last.end(),
            data_type: type_from..type_to,
            constraints,
        })
    }

    pub(super) fn is_column(&self, name: &ColumnName) -> bool {
        self.column
            .as_ref()
            .is_some_and(|own| own.eq_ignore_ascii_case(name.as_str()))
    }

    /// The constraints of one sort.
    pub(super) fn all(&self, what: What) -> impl Iterator<Item = &Constraint<'a>> {
        self.constraints
            .iter()
            .filter(move |constraint| constraint.what == what)
    }
}

impl Constraint<'_> {
    /// Whether it is this foreign key; `of` is the column whose constraint it is.
    pub(super) fn is_key(&self, of: Option<&str>, relation: &Relation) -> bool {
        let columns = of.map_or_else(|| self.listed("FOREIGN"), |column| vec![column.to_owned()]);
        self.what == What::ForeignKey
            && self.references(relation.referenced_table.name())
            && same_names(&columns, &relation.columns)
    }

    /// Whether it needs this column of its table to be there.
    pub(super) fn uses(&self, table: &str, column: &ColumnName) -> bool {
        let is_it = |name: &str| name.eq_ignore_ascii_case(column.as_str());
        match self.what {
            What::ForeignKey => {
                self.listed("FOREIGN").iter().any(|name| is_it(name))
                    || self.references(table) && self.listed("REFERENCES").iter().any(|name| is_it(name))
            }
            What::PrimaryKey | What::Unique | What::Check | What::Generated => {
                let next = self.tokens.iter().skip(1).map(Some).chain([None]);
                self.tokens.iter().zip(next).any(|(token, next)| {
                    let is_function = token.kind == Kind::Word && next.is_some_and(|next| next.is('('));
                    matches!(token.kind, Kind::Word | Kind::Name) && !is_function && is_it(&token.name())
                })
            }
            What::Nothing | What::NotNull | What::Null | What::Default | What::Collate | What::Deferral => false,
        }
    }

    fn references(&self, table: &str) -> bool {
        let named = self.behind_word("REFERENCES").first().map(Token::name);
        named.is_some_and(|name| name.eq_ignore_ascii_case(table))
    }

    /// The names in the parentheses that follow a word, perhaps after another: FOREIGN KEY (…), REFERENCES t (…), UNIQUE (…).
    fn listed(&self, word: &str) -> Vec<String> {
        let rest = self.behind_word(word);
        let lists = [rest, rest.get(1..).unwrap_or_default()];
        let list = lists
            .into_iter()
            .find(|rest| rest.first().is_some_and(|token| token.is('(')));
        let items = list.and_then(group).map(|(list, _)| between_commas(list));
        items
            .unwrap_or_default()
            .into_iter()
            .filter_map(|item| item.first().map(Token::name))
            .collect()
    }

    fn behind_word(&self, word: &str) -> &[Token<'_>] {
        let at = self.tokens.iter().position(|token| token.is_word(word));
        at.and_then(|at| self.tokens.get(at + 1..)).unwrap_or_default()
    }
}

fn same_names(names: &[String], columns: &[ColumnName]) -> bool {
    names.len() == columns.len()
        && names
            .iter()
            .zip(columns)
            .all(|(name, column)| name.eq_ignore_ascii_case(column.as_str()))
}

/// The constraints in an item; what is before the first is the type.
fn constraints<'a>(tokens: &[Token<'a>], start: usize) -> Vec<Constraint<'a>> {
    let mut found: Vec<Constraint<'a>> = Vec::new();
    let (mut rest, mut behind) = (tokens, start);
    let mut previous: Option<&Token<'a>> = None;
    while !rest.is_empty() {
        let (what, count) = next(previous, rest);
        let (taken, after) = rest.split_at_checked(count.max(1)).unwrap_or((rest, &[]));
        let is_in_key = found
            .last()
            .is_some_and(|last| last.tokens.iter().any(|token| token.is_word("FOREIGN")));
        match (what, found.last_mut()) {
            // Of a constraint of the table, REFERENCES and DEFERRABLE are parts.
            (Some(What::ForeignKey | What::Deferral), Some(last)) if is_in_key && !first_is(taken, "FOREIGN") => {
                last.extend(taken);
            }
            // A name goes with what follows it.
            (Some(what), Some(last)) if last.what == What::Nothing && what != What::Nothing => {
                last.what = what;
                last.extend(taken);
            }
            (Some(what), _) => found.push(Constraint::new(what, behind, taken)),
            (None, Some(last)) => last.extend(taken),
            // The type.
            (None, None) => {}
        }
        previous = taken.last();
        behind = previous.map_or(behind, Token::end);
        rest = after;
    }
    found
}

fn first_is(tokens: &[Token<'_>], word: &str) -> bool {
    tokens.first().is_some_and(|token| token.is_word(word))
}

impl<'a> Constraint<'a> {
    fn new(what: What, behind: usize, tokens: &[Token<'a>]) -> Self {
        let start = tokens.first().map_or(behind, |token| token.at);
        let mut constraint = Self {
            what,
            behind,
            span: start..start,
            tokens: Vec::new(),
        };
        constraint.extend(tokens);
        constraint
    }

    fn extend(&mut self, tokens: &[Token<'a>]) {
        self.tokens.extend_from_slice(tokens);
        self.span.end = tokens.last().map_or(self.span.end, Token::end);
    }
}

/// What begins here, if anything does, and how many tokens belong to it in any case: those that could be taken for something else.
fn next(previous: Option<&Token<'_>>, rest: &[Token<'_>]) -> (Option<What>, usize) {
    let after = |word: &str| previous.is_some_and(|token| token.is_word(word));
    let (first, second) = (rest.first(), rest.get(1));
    let is = |word: &str| first.is_some_and(|token| token.is_word(word));
    let then = |word: &str| second.is_some_and(|token| token.is_word(word));
    if let Some((inner, _)) = group(rest) {
        return (None, inner.len() + 2);
    }
    // ON DELETE SET NULL, SET DEFAULT; GENERATED ALWAYS AS.
    if after("SET") || after("ALWAYS") {
        return (None, 1);
    }
    let second_is_open = second.is_some_and(|token| token.is('('));
    let words = [
        ("CONSTRAINT", What::Nothing, 2),
        ("PRIMARY", What::PrimaryKey, 1),
        ("NULL", What::Null, 1),
        ("UNIQUE", What::Unique, 1),
        ("CHECK", What::Check, 1),
        ("DEFAULT", What::Default, if second_is_open { 1 } else { 2 }),
        ("COLLATE", What::Collate, 2),
        ("FOREIGN", What::ForeignKey, 1),
        ("REFERENCES", What::ForeignKey, 2),
        ("DEFERRABLE", What::Deferral, 1),
        ("GENERATED", What::Generated, 1),
        ("AS", What::Generated, 1),
    ];
    match words.iter().find(|(word, ..)| is(word)) {
        Some((_, what, count)) => (Some(*what), *count),
        None if is("NOT") && then("NULL") => (Some(What::NotNull), 2),
        None if is("NOT") && then("DEFERRABLE") => (Some(What::Deferral), 2),
        None => (None, 1),
    }
}
