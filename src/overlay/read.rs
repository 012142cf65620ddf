//! From TOML to entries, each with the line it stands on.

use std::collections::BTreeMap;

use toml_edit::{Document, Item, TableLike, Value};

use super::problems::Problems;
use super::settings::{Ignore, LintSettings, Severity};
use crate::error::Result;
use crate::name::{ColumnName, ConstraintName, TableName, did_you_mean};
use crate::schema::{Action, Enforcement};

/// Something that was read, and the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) line: usize,
}

/// One `[[foreign_key]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) table: At<TableName>,
    pub(super) columns: At<Vec<ColumnName>>,
    pub(super) referenced_table: At<TableName>,
    /// Nothing means the primary key.
    pub(super) referenced_columns: Option<At<Vec<ColumnName>>>,
    pub(super) on_delete: Option<At<Action>>,
    pub(super) on_delete_columns: Option<At<Vec<ColumnName>>>,
    pub(super) on_delete_values: Option<At<Vec<String>>>,
    pub(super) guard: Option<At<ColumnName>>,
    pub(super) on_update: Option<At<Action>>,
    pub(super) enforced_by: Option<At<Enforcement>>,
    pub(super) name: Option<At<ConstraintName>>,
}

/// The table and the column that a `[[lint.ignore]]` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ignored {
    pub(super) table: Option<At<TableName>>,
    pub(super) column: Option<At<Vec<ColumnName>>>,
}

/// What a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct File {
    pub(super) entries: Vec<Entry>,
    pub(super) lint: LintSettings,
    pub(super) ignored: Vec<Ignored>,
}

const ACTIONS: [Action; 8] = [
    Action::Cascade,
    Action::SetNull,
    Action::SetDefault,
    Action::SetValue,
    Action::Restrict,
    Action::NoAction,
    Action::Protect,
    Action::DoNothing,
];
const ACTIONS_ON_UPDATE: [Action; 7] = [
    Action::Cascade,
    Action::SetNull,
    Action::SetDefault,
    Action::Restrict,
    Action::NoAction,
    Action::Protect,
    Action::DoNothing,
];
const ENFORCEMENTS: [Enforcement; 3] = [Enforcement::Application, Enforcement::Database, Enforcement::Loose];
const SEVERITIES: [Severity; 4] = [Severity::Off, Severity::Info, Severity::Warning, Severity::Error];

/// Reads the whole file.
pub(super) fn read(text: &str) -> Result<File> {
    let mut problems = Problems::default();
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            problems.add(
                line_of(text, error.span()),
                format!("this is not TOML: {}", message.trim_end_matches('.')),
            );
            return problems.unless_any(File::default());
        }
    };
    let mut reader = Reader { text, problems };
    let file = Fields {
        of: "the file",
        line: 1,
        table: document.as_table(),
    };
    reader.only(&file, &["foreign_key", "lint"]);
    let mut entries = Vec::new();
    for fields in reader.tables(&file, "foreign_key", "[[foreign_key]]") {
        entries.extend(reader.entry(&fields));
    }
    let (mut lint, mut ignored) = Default::default();
    if let Some(fields) = reader.table(&file, "lint", "[lint]") {
        (lint, ignored) = reader.lint(&fields);
    }
    let Reader { problems, .. } = reader;
    problems.unless_any(File { entries, lint, ignored })
}

/// A table of the file.
struct Fields<'a> {
    /// What it is called in a message.
    of: &'static str,
    line: usize,
    table: &'a dyn TableLike,
}

struct Reader<'a> {
    text: &'a str,
    problems: Problems,
}

impl<'a> Reader<'a> {
    fn entry(&mut self, fields: &Fields<'a>) -> Option<Entry> {
        self.only(
            fields,
            &[
                "table",
                "columns",
                "references",
                "on_delete",
                "on_delete_columns",
                "on_delete_values",
                "on_update",
                "enforced_by",
                "guard",
                "name",
            ],
        );
        let table = self
            .required(fields, "table", "\"posts\"")
            .and_then(|_| self.table_name(fields));
        let columns = self
            .required(fields, "columns", "[\"user_id\"]")
            .and_then(|_| self.columns(fields, "columns"));
        let references = self
            .required(fields, "references", "{ table = \"users\", columns = [\"id\"] }")
            .and_then(|_| self.table(fields, "references", "references"));
        let (mut referenced_table, mut referenced_columns) = (None, None);
        if let Some(references) = references {
            self.only(&references, &["table", "columns"]);
            referenced_table = self
                .required(&references, "table", "\"users\"")
                .and_then(|_| self.table_name(&references));
            referenced_columns = self.columns(&references, "columns");
        }
        let on_delete = self.word(fields, "on_delete", &ACTIONS, action_word);
        let on_delete_columns = self.columns(fields, "on_delete_columns");
        let on_delete_values = self.values(fields, "on_delete_values");
        let guard = self.string(fields, "guard").map(|guard| At {
            value: ColumnName::new(guard.value),
            line: guard.line,
        });
        let on_update = self.word(fields, "on_update", &ACTIONS_ON_UPDATE, action_word);
        let enforced_by = self.word(fields, "enforced_by", &ENFORCEMENTS, Enforcement::to_string);
        let name = self.string(fields, "name").map(|name| At {
            value: ConstraintName::new(name.value),
            line: name.line,
        });
        let (table, columns, referenced_table) = (table?, columns?, referenced_table?);
        if let Some(referenced) = &referenced_columns
            && referenced.value.len() != columns.value.len()
        {
            self.problems.add(
                referenced.line,
                format!(
                    "{} column(s) cannot reference {}: name one referenced column for each of columns",
                    columns.value.len(),
                    referenced.value.len()
                ),
            );
            return None;
        }
        Some(Entry {
            line: fields.line,
            table,
            columns,
            referenced_table,
            referenced_columns,
            on_delete,
            on_delete_columns,
            on_delete_values,
            guard,
            on_update,
            enforced_by,
            name,
        })
    }

    fn lint(&mut self, fields: &Fields<'a>) -> (LintSettings, Vec<Ignored>) {
        self.only(fields, &["levels", "ignore"]);
        let mut ignored = Vec::new();
        let mut settings = LintSettings {
            levels: BTreeMap::new(),
            ignores: Vec::new(),
        };
        if let Some(levels) = self.table(fields, "levels", "lint.levels") {
            for (code, _) in levels.table.iter() {
                let level = self.word(&levels, code, &SEVERITIES, Severity::to_string);
                settings
                    .levels
                    .extend(level.map(|level| (code.to_owned(), level.value)));
            }
        }
        for ignore in self.tables(fields, "ignore", "[[lint.ignore]]") {
            self.only(&ignore, &["rule", "table", "column", "reason"]);
            let rule = self.string(&ignore, "rule");
            let table = self.table_name(&ignore);
            let column = self.string(&ignore, "column");
            if rule.is_none() && table.is_none() && column.is_none() {
                self.problems.add(
                    ignore.line,
                    "this would ignore everything: say at least one of rule, table and column",
                );
            }
            ignored.push(Ignored {
                table: table.clone(),
                column: column.as_ref().map(|column| At {
                    line: column.line,
                    value: vec![ColumnName::new(column.value.as_str())],
                }),
            });
            settings.ignores.push(Ignore {
                rule: rule.map(|rule| rule.value),
                table: table.map(|table| table.value),
                column: column.map(|column| ColumnName::new(column.value)),
                reason: self.string(&ignore, "reason").map(|reason| reason.value),
            });
        }
        (settings, ignored)
    }

    /// Complains of every field that is none of these.
    fn only(&mut self, fields: &Fields<'a>, known: &[&str]) {
        for (field, item) in fields.table.iter() {
            if !known.contains(&field) {
                let line = self.key_line(fields, field, item);
                self.problems.add(
                    line,
                    format!(
                        "{} has no field {field}{} known are {}",
                        fields.of,
                        match did_you_mean(field, known.iter().copied()) {
                            meant if meant.is_empty() => ":".to_owned(),
                            meant => meant,
                        },
                        known.join(", ")
                    ),
                );
            }
        }
    }

    /// Complains if the field is missing.
    fn required(&mut self, fields: &Fields<'a>, field: &str, example: &str) -> Option<()> {
        if fields.table.get(field).is_none() {
            self.problems
                .add(fields.line, format!("{} needs {field}: {field} = {example}", fields.of));
            return None;
        }
        Some(())
    }

    fn string(&mut self, fields: &Fields<'a>, field: &str) -> Option<At<String>> {
        let item = fields.table.get(field)?;
        let line = self.key_line(fields, field, item);
        match item.as_str() {
            Some(text) if !text.is_empty() => Some(At {
                value: text.to_owned(),
                line,
            }),
            Some(_) => self.wrong(line, format!("{field} is empty: leave it out, or say what it is")),
            None => self.wrong(line, format!("{field} must be a string: {field} = \"…\"")),
        }
    }

    /// The field `table` as the name of one.
    fn table_name(&mut self, fields: &Fields<'a>) -> Option<At<TableName>> {
        let At { value, line } = self.string(fields, "table")?;
        match TableName::read(&value) {
            Some(value) => Some(At { value, line }),
            None => self.wrong(
                line,
                format!("{value:?} is not the name of a table: write 'posts', 'billing.invoices' or 'billing.\"new.invoices\"'"),
            ),
        }
    }

    fn columns(&mut self, fields: &Fields<'a>, field: &str) -> Option<At<Vec<ColumnName>>> {
        let item = fields.table.get(field)?;
        let line = self.key_line(fields, field, item);
        let names: Option<Vec<_>> = item
            .as_array()
            .and_then(|list| list.iter().map(|name| name.as_str().map(ColumnName::new)).collect());
        match names {
            Some(names) if names.is_empty() => self.wrong(line, format!("{field} is empty: name at least one column")),
            Some(names) => match repeated(&names) {
                Some(twice) => self.wrong(line, format!("{field} names {twice} twice: name each column once")),
                None => Some(At { value: names, line }),
            },
            None => self.wrong(
                line,
                format!("{field} must be a list of names: {field} = [\"user_id\"]"),
            ),
        }
    }

    /// Plain values, as text.
    fn values(&mut self, fields: &Fields<'a>, field: &str) -> Option<At<Vec<String>>> {
        let item = fields.table.get(field)?;
        let line = self.key_line(fields, field, item);
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.value().clone()),
            Value::Integer(number) => Some(number.value().to_string()),
            Value::Boolean(truth) => Some(truth.value().to_string()),
            Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::InlineTable(_) => None,
        };
        let values: Option<Vec<_>> = item.as_array().and_then(|list| list.iter().map(text).collect());
        match values {
            Some(value) => Some(At { value, line }),
            None => self.wrong(
                line,
                format!("{field} must be a list of whole numbers and strings: {field} = [1]"),
            ),
        }
    }

    /// One of a few words.
    fn word<T: Copy>(
        &mut self,
        fields: &Fields<'a>,
        field: &str,
        known: &[T],
        word: impl Fn(&T) -> String,
    ) -> Option<At<T>> {
        let At { value, line } = self.string(fields, field)?;
        match known.iter().find(|known| word(known) == value) {
            Some(known) => Some(At { value: *known, line }),
            None => {
                let words: Vec<_> = known.iter().map(word).collect();
                let meant = did_you_mean(&value, words.iter().map(String::as_str));
                let link = if meant.is_empty() { ":" } else { &meant };
                self.wrong(
                    line,
                    format!("{field} cannot be {value:?}{link} known are {}", words.join(", ")),
                )
            }
        }
    }

    fn table(&mut self, fields: &Fields<'a>, field: &str, of: &'static str) -> Option<Fields<'a>> {
        let item = fields.table.get(field)?;
        let line = self.key_line(fields, field, item);
        match item.as_table_like() {
            Some(table) => Some(Fields { of, line, table }),
            None => self.wrong(line, format!("{field} must be a table: {field} = {{ … }}")),
        }
    }

    /// The tables of a list: `[[field]]`, or `field = [{ … }]`.
    fn tables(&mut self, fields: &Fields<'a>, field: &str, of: &'static str) -> Vec<Fields<'a>> {
        let Some(item) = fields.table.get(field) else {
            return Vec::new();
        };
        let (tables, whole): (Vec<_>, bool) = match item {
            Item::ArrayOfTables(list) => {
                let tables = list.iter().map(|table| (table as &dyn TableLike, table.span()));
                (tables.collect(), true)
            }
            Item::Value(Value::Array(list)) => {
                let tables: Vec<_> = list
                    .iter()
                    .filter_map(Value::as_inline_table)
                    .map(|table| (table as &dyn TableLike, table.span()))
                    .collect();
                let whole = tables.len() == list.len();
                (tables, whole)
            }
            _ => (Vec::new(), false),
        };
        if !whole {
            let line = self.key_line(fields, field, item);
            self.problems.add(
                line,
                format!("{field} must be a list of tables: write {of} before each"),
            );
        }
        tables
            .into_iter()
            .map(|(table, span)| Fields {
                of,
                line: line_of(self.text, span),
                table,
            })
            .collect()
    }

    fn key_line(&self, fields: &Fields<'a>, field: &str, item: &Item) -> usize {
        let span = fields.table.key(field).and_then(toml_edit::Key::span);
        line_of(self.text, span.or_else(|| item.span()))
    }

    fn wrong<T>(&mut self, line: usize, problem: String) -> Option<T> {
        self.problems.add(line, problem);
        None
    }
}

/// As the file writes it: `set_null`.
pub(super) fn action_word(action: &Action) -> String {
    action.to_string().replace(' ', "_")
}

fn repeated(names: &[ColumnName]) -> Option<&ColumnName> {
    names
        .iter()
        .enumerate()
        .find(|(place, name)| names.iter().take(*place).any(|earlier| earlier == *name))
        .map(|(_, name)| name)
}

/// The line on which a span begins, counted from 1.
fn line_of(text: &str, span: Option<std::ops::Range<usize>>) -> usize {
    let start = span.map_or(0, |span| span.start);
    let before = text.as_bytes().iter().take(start);
    1 + before.filter(|byte| **byte == b'\n').count()
}
