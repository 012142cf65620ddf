//! A schema as text: one line for each column, key and index.
//!
//! ```text
//! backend postgres
//!
//! type mood: enum 'sad', 'happy'
//!
//! table billing.invoices
//!   id: bigint, not null, identity by default
//!   total: numeric(10,2), not null, default 0
//!   primary key (id), as invoices_pkey
//!   unique (number), as invoices_number_key
//!   index (user_id, (lower(note)) DESC), as by_user, unique, using btree, include (total), where paid
//!   foreign key (user_id) references users (id), on delete set null (user_id), deferrable initially deferred, as fk
//!   check (total >= 0), as positive
//!   with strict
//! ```
//!
//! A name is written in double quotes unless it is one plain word; SQL that a comma or a line break would cut in two is written as a
//! JSON string in braces.

mod read;
mod split;

use std::fmt::{self, Display, Write as _};

use super::foreign_key::{Deferrable, Enforcement, ForeignKey, Match};
use super::model::{LeftOutKind, NamedTypeKind, Schema};
use super::table::{Check, Column, Identity, Index, IndexKey, PrimaryKey, Storage, Table, UniqueKey};
use crate::name::{ColumnName, written};
use crate::schema::Action;
use split::is_one_piece;

impl Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "backend {}", self.backend)?;
        if !self.types.is_empty() || !self.sequences.is_empty() {
            writeln!(f)?;
        }
        for known in &self.types {
            match &known.kind {
                NamedTypeKind::Enum(labels) => {
                    let labels: Vec<_> = labels.iter().map(|label| sql(&literal(label))).collect();
                    writeln!(f, "type {}: enum {}", known.name.written(), labels.join(", "))?;
                }
                NamedTypeKind::Domain(definition) => {
                    writeln!(f, "type {}: domain {}", known.name.written(), sql(definition))?;
                }
            }
        }
        for sequence in &self.sequences {
            writeln!(f, "sequence {}: {}", sequence.name.written(), sql(&sequence.definition))?;
        }
        for table in &self.tables {
            write!(f, "\n{table}")?;
        }
        if !self.left_out.is_empty() || !self.unknown.is_empty() {
            writeln!(f)?;
        }
        for left_out in &self.left_out {
            write!(f, "left out: {}, {}", left_out.kind, left_out.name.written())?;
            if let Some(table) = &left_out.table {
                write!(f, ", of {}", table.written())?;
            }
            if let Some(definition) = &left_out.definition {
                write!(f, ", by {}", json(definition))?;
            }
            writeln!(f)?;
        }
        for unknown in &self.unknown {
            writeln!(f, "unknown: {}", json(unknown))?;
        }
        Ok(())
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "table {}", self.name.written())?;
        for column in &self.columns {
            writeln!(f, "  {column}")?;
        }
        if let Some(key) = &self.primary_key {
            writeln!(f, "  {key}")?;
        }
        for key in &self.unique_keys {
            writeln!(f, "  {key}")?;
        }
        for index in &self.indexes {
            writeln!(f, "  {index}")?;
        }
        for key in &self.foreign_keys {
            writeln!(f, "  {key}")?;
        }
        for check in &self.checks {
            writeln!(f, "  {check}")?;
        }
        let options = &self.options;
        let mut words = Vec::new();
        words.extend(options.strict.then(|| "strict".to_owned()));
        words.extend(options.without_rowid.then(|| "without rowid".to_owned()));
        words.extend(
            options
                .partition_by
                .as_ref()
                .map(|by| format!("partition by {}", sql(by))),
        );
        words.extend(
            options
                .inherits
                .iter()
                .map(|parent| format!("inherits {}", parent.written())),
        );
        words.extend(options.engine.as_ref().map(|engine| format!("engine {}", sql(engine))));
        if !words.is_empty() {
            writeln!(f, "  with {}", words.join(", "))?;
        }
        Ok(())
    }
}

impl Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", written(self.name.as_str()), sql(&self.data_type))?;
        if !self.nullable {
            f.write_str(", not null")?;
        }
        if let Some(identity) = &self.identity {
            write!(f, ", {identity}")?;
        }
        if let Some(default) = &self.default {
            write!(f, ", default {}", sql(default))?;
        }
        if let Some(generated) = &self.generated {
            let storage = match generated.storage {
                Storage::Stored => "stored",
                Storage::Virtual => "virtual",
            };
            write!(f, ", {storage} as {}", sql(&generated.expression))?;
        }
        for (word, value) in [
            ("collate", &self.collation),
            ("on update", &self.on_update),
            ("extra", &self.extra),
        ] {
            if let Some(value) = value {
                write!(f, ", {word} {}", sql(value))?;
            }
        }
        Ok(())
    }
}

impl Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "identity always",
            Self::ByDefault => "identity by default",
            Self::Serial => "serial",
            Self::AutoIncrement => "auto increment",
        })
    }
}

impl Display for LeftOutKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::View => "view",
            Self::Partition => "partition",
            Self::ForeignTable => "foreign table",
            Self::ExtensionMember => "extension member",
            Self::VirtualTable => "virtual table",
            Self::Trigger => "trigger",
        })
    }
}

impl Display for PrimaryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "primary key {}{}", Columns(&self.columns), Named(self.name.as_ref()))
    }
}

impl Display for UniqueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unique {}", Columns(&self.columns))?;
        if self.nulls_not_distinct {
            f.write_str(", nulls not distinct")?;
        }
        write!(f, "{}", Named(self.name.as_ref()))
    }
}

impl Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("index (")?;
        for (position, part) in self.parts.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            match &part.key {
                IndexKey::Column(column) => f.write_str(&written(column.as_str()))?,
                IndexKey::Expression(expression) => write!(f, "({})", sql(expression))?,
            }
            if !part.modifiers.is_empty() {
                write!(f, " {}", sql(&part.modifiers))?;
            }
        }
        f.write_char(')')?;
        if self.unique {
            f.write_str(", unique")?;
        }
        if let Some(method) = &self.method {
            write!(f, ", using {}", sql(method))?;
        }
        if !self.include.is_empty() {
            write!(f, ", include {}", Columns(&self.include))?;
        }
        if let Some(predicate) = &self.predicate {
            write!(f, ", where {}", sql(predicate))?;
        }
        if self.nulls_not_distinct {
            f.write_str(", nulls not distinct")?;
        }
        if self.invalid {
            f.write_str(", invalid")?;
        }
        write!(f, "{}", Named(Some(&self.name)))
    }
}

impl Display for ForeignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relation = &self.relation;
        write!(
            f,
            "foreign key {} references {} {}",
            Columns(&relation.columns),
            relation.referenced_table.written(),
            Columns(&relation.referenced_columns)
        )?;
        if self.on_delete != Action::NoAction || !self.on_delete_columns.is_empty() {
            write!(f, ", on delete {}", self.on_delete)?;
        }
        if !self.on_delete_columns.is_empty() {
            write!(f, " {}", Columns(&self.on_delete_columns))?;
        }
        if !self.on_delete_values.is_empty() {
            let values: Vec<_> = self.on_delete_values.iter().map(|value| sql(&literal(value))).collect();
            write!(f, ", to values ({})", values.join(", "))?;
        }
        if self.on_update != Action::NoAction {
            write!(f, ", on update {}", self.on_update)?;
        }
        f.write_str(match self.matching {
            Match::Simple => "",
            Match::Full => ", match full",
            Match::Partial => ", match partial",
        })?;
        f.write_str(match self.deferrable {
            Deferrable::No => "",
            Deferrable::InitiallyImmediate => ", deferrable initially immediate",
            Deferrable::InitiallyDeferred => ", deferrable initially deferred",
        })?;
        if self.not_validated {
            f.write_str(", not valid")?;
        }
        if self.not_enforced {
            f.write_str(", not enforced")?;
        }
        if self.enforced_by != Enforcement::Database {
            write!(f, ", by {}", self.enforced_by)?;
        }
        if let Some(guard) = &self.guard {
            write!(f, ", guarded by {}", written(guard.as_str()))?;
        }
        write!(f, "{}", Named(relation.constraint.as_ref()))
    }
}

impl Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "check ({})", sql(&self.expression))?;
        if self.not_validated {
            f.write_str(", not valid")?;
        }
        write!(f, "{}", Named(self.name.as_ref()))
    }
}

struct Columns<'a>(&'a [ColumnName]);

impl Display for Columns<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|column| written(column.as_str())).collect();
        write!(f, "({})", names.join(", "))
    }
}

struct Named<T>(Option<T>);

impl<T: ToString> Display for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(name) => write!(f, ", as {}", written(&name.to_string())),
            None => Ok(()),
        }
    }
}

/// A string as SQL has it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// SQL as it is, unless it would be read as something else.
fn sql(text: &str) -> String {
    match is_one_piece(text) {
        true => text.to_owned(),
        false => json(text),
    }
}

fn json(text: &str) -> String {
    format!("{{{}}}", serde_json::Value::from(text))
}
