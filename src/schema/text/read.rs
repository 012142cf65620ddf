//! Reading the text form back.

use super::split::{closing, pieces};
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::name::{ColumnName, ConstraintName, Relation, TableName, read_written};
use crate::schema::{
    Check, Column, Deferrable, Enforcement, ForeignKey, Generated, Identity, Index, IndexKey, IndexPart, LeftOut,
    LeftOutKind, Match, NamedType, NamedTypeKind, PrimaryKey, Schema, Sequence, Storage, Table, UniqueKey,
};

impl Schema {
    /// Reads the text form that [`Display`](std::fmt::Display) writes. Empty lines and lines that begin with `#` are skipped.
    ///
    /// # Errors
    ///
    /// Invalid input that names the line.
    pub fn parse(text: &str) -> Result<Self> {
        let mut schema = Self::new(Backend::Sqlite);
        for (number, line) in text.lines().enumerate() {
            let content = line.trim();
            if !content.is_empty() && !content.starts_with('#') {
                read_line(&mut schema, line.starts_with(char::is_whitespace), content).map_err(|problem| {
                    Error::invalid_input(format!("line {} of the schema, {content:?}: {problem}", number + 1))
                })?;
            }
        }
        schema.sort();
        Ok(schema)
    }
}

type Read<T> = std::result::Result<T, String>;

fn read_line(schema: &mut Schema, indented: bool, line: &str) -> Read<()> {
    if indented {
        let Some(table) = schema.tables.last_mut() else {
            return Err("it is indented, and no table is above it".to_owned());
        };
        return read_in_table(table, line);
    }
    if let Some(backend) = line.strip_prefix("backend ") {
        schema.backend = match backend {
            "postgres" => Backend::Postgres,
            "mysql" => Backend::MySql,
            "sqlite" => Backend::Sqlite,
            other => return Err(format!("{other} is not a backend: write postgres, mysql or sqlite")),
        };
    } else if let Some(name) = line.strip_prefix("table ") {
        schema.tables.push(Table::new(table_name(name)?));
    } else if let Some(rest) = line.strip_prefix("type ") {
        schema.types.push(named_type(rest)?);
    } else if let Some(rest) = line.strip_prefix("sequence ") {
        let (name, rest) = TableName::read_front(rest).ok_or("a name is missing")?;
        schema.sequences.push(Sequence {
            name,
            definition: sql(rest.strip_prefix(':').ok_or("a colon is missing after the name")?)?,
        });
    } else if let Some(rest) = line.strip_prefix("left out: ") {
        schema.left_out.push(left_out(rest)?);
    } else if let Some(rest) = line.strip_prefix("unknown: ") {
        schema.unknown.push(sql(rest)?);
    } else {
        return Err("it is neither backend, type, sequence, table, left out nor unknown".to_owned());
    }
    Ok(())
}

fn read_in_table(table: &mut Table, line: &str) -> Read<()> {
    if let Some(rest) = line.strip_prefix("primary key ") {
        let (columns, rest) = columns(rest)?;
        let mut key = PrimaryKey::new(columns);
        key.name = only_name(rest)?;
        table.primary_key = Some(key);
    } else if let Some(rest) = line.strip_prefix("unique (") {
        table.unique_keys.push(unique_key(rest)?);
    } else if let Some(rest) = line.strip_prefix("index (") {
        table.indexes.push(index(rest)?);
    } else if let Some(rest) = line.strip_prefix("foreign key (") {
        table.foreign_keys.push(foreign_key(table.name.clone(), rest)?);
    } else if let Some(rest) = line.strip_prefix("check (") {
        table.checks.push(check(rest)?);
    } else if let Some(rest) = line.strip_prefix("with ") {
        read_options(table, rest)?;
    } else {
        table.columns.push(column(line)?);
    }
    Ok(())
}

fn column(line: &str) -> Read<Column> {
    let (name, rest) = read_written(line).ok_or("it does not begin with a name or a known word")?;
    let rest = rest
        .strip_prefix(':')
        .ok_or("a colon is missing after the column's name")?;
    let mut pieces = cut(rest)?.into_iter();
    let mut column = Column::new(name.as_str(), sql(pieces.next().unwrap_or_default())?);
    for piece in pieces {
        match piece {
            "not null" => column.nullable = false,
            "identity always" => column.identity = Some(Identity::Always),
            "identity by default" => column.identity = Some(Identity::ByDefault),
            "serial" => column.identity = Some(Identity::Serial),
            "auto increment" => column.identity = Some(Identity::AutoIncrement),
            _ => {
                let after = |word| piece.strip_prefix(word).map(sql).transpose();
                let generated = |storage| move |expression| Generated { expression, storage };
                if let Some(default) = after("default ")? {
                    column.default = Some(default);
                } else if let Some(made) = after("stored as ")?.map(generated(Storage::Stored)) {
                    column.generated = Some(made);
                } else if let Some(made) = after("virtual as ")?.map(generated(Storage::Virtual)) {
                    column.generated = Some(made);
                } else if let Some(collation) = after("collate ")? {
                    column.collation = Some(collation);
                } else if let Some(on_update) = after("on update ")? {
                    column.on_update = Some(on_update);
                } else if let Some(extra) = after("extra ")? {
                    column.extra = Some(extra);
                } else {
                    return Err(unknown(piece));
                }
            }
        }
    }
    Ok(column)
}

fn unique_key(rest: &str) -> Read<UniqueKey> {
    let (list, rest) = closing(rest).ok_or("a parenthesis is missing")?;
    let mut key = UniqueKey::new(names(list)?);
    for piece in attributes(rest)? {
        match piece {
            "nulls not distinct" => key.nulls_not_distinct = true,
            _ => key.name = Some(name(piece)?),
        }
    }
    Ok(key)
}

fn index(rest: &str) -> Read<Index> {
    let (list, rest) = closing(rest).ok_or("a parenthesis is missing")?;
    let mut index = Index::new("", []);
    index.parts = cut(list)?.into_iter().map(index_part).collect::<Read<_>>()?;
    for piece in attributes(rest)? {
        match piece {
            "unique" => index.unique = true,
            "nulls not distinct" => index.nulls_not_distinct = true,
            "invalid" => index.invalid = true,
            _ => {
                if let Some(method) = piece.strip_prefix("using ") {
                    index.method = Some(sql(method)?);
                } else if let Some(list) = piece.strip_prefix("include ") {
                    index.include = columns(list)?.0;
                } else if let Some(predicate) = piece.strip_prefix("where ") {
                    index.predicate = Some(sql(predicate)?);
                } else {
                    index.name = name(piece)?.to_string();
                }
            }
        }
    }
    Ok(index)
}

fn index_part(piece: &str) -> Read<IndexPart> {
    let (key, rest) = match piece.strip_prefix('(') {
        Some(rest) => {
            let (expression, rest) = closing(rest).ok_or("a parenthesis is missing")?;
            (IndexKey::Expression(sql(expression)?), rest)
        }
        None => {
            let (column, rest) = read_written(piece).ok_or("a column is missing")?;
            (IndexKey::Column(ColumnName::new(column)), rest)
        }
    };
    Ok(IndexPart {
        key,
        modifiers: sql(rest)?,
    })
}

fn foreign_key(table: TableName, rest: &str) -> Read<ForeignKey> {
    let (list, rest) = closing(rest).ok_or("a parenthesis is missing")?;
    let rest = rest
        .trim_start()
        .strip_prefix("references ")
        .ok_or("references is missing")?;
    let (referenced_table, rest) = TableName::read_front(rest).ok_or("the referenced table is missing")?;
    let (referenced_columns, rest) = columns(rest.trim_start())?;
    let mut key = ForeignKey::new(Relation {
        constraint: None,
        table,
        columns: names(list)?,
        referenced_table,
        referenced_columns,
    });
    for piece in attributes(rest)? {
        match piece {
            "match full" => key.matching = Match::Full,
            "match partial" => key.matching = Match::Partial,
            "deferrable initially immediate" => key.deferrable = Deferrable::InitiallyImmediate,
            "deferrable initially deferred" => key.deferrable = Deferrable::InitiallyDeferred,
            "not valid" => key.not_validated = true,
            "not enforced" => key.not_enforced = true,
            "by application" => key.enforced_by = Enforcement::Application,
            "by loose" => key.enforced_by = Enforcement::Loose,
            _ => {
                if let Some(action) = piece.strip_prefix("on delete ") {
                    let (action, list) = action.split_once(" (").map_or((action, None), |(a, l)| (a, Some(l)));
                    key.on_delete = action.parse().map_err(|error: Error| error.to_string())?;
                    if let Some(list) = list {
                        key.on_delete_columns = names(list.strip_suffix(')').ok_or("a parenthesis is missing")?)?;
                    }
                } else if let Some(list) = piece.strip_prefix("to values (") {
                    let list = list.strip_suffix(')').ok_or("a parenthesis is missing")?;
                    key.on_delete_values = cut(list)?.into_iter().map(label).collect::<Read<_>>()?;
                } else if let Some(guard) = piece.strip_prefix("guarded by ") {
                    let (guard, _) = read_written(guard).ok_or("the guarding column is missing")?;
                    key.guard = Some(ColumnName::new(guard));
                } else if let Some(action) = piece.strip_prefix("on update ") {
                    key.on_update = action.parse().map_err(|error: Error| error.to_string())?;
                } else {
                    key.relation.constraint = Some(name(piece)?);
                }
            }
        }
    }
    Ok(key)
}

fn check(rest: &str) -> Read<Check> {
    let (expression, rest) = closing(rest).ok_or("a parenthesis is missing")?;
    let mut check = Check::new(sql(expression)?);
    for piece in attributes(rest)? {
        match piece {
            "not valid" => check.not_validated = true,
            _ => check.name = Some(name(piece)?),
        }
    }
    Ok(check)
}

fn read_options(table: &mut Table, rest: &str) -> Read<()> {
    for piece in cut(rest)? {
        match piece {
            "strict" => table.options.strict = true,
            "without rowid" => table.options.without_rowid = true,
            _ => {
                if let Some(by) = piece.strip_prefix("partition by ") {
                    table.options.partition_by = Some(sql(by)?);
                } else if let Some(parent) = piece.strip_prefix("inherits ") {
                    table.options.inherits.push(table_name(parent)?);
                } else if let Some(engine) = piece.strip_prefix("engine ") {
                    table.options.engine = Some(sql(engine)?);
                } else {
                    return Err(unknown(piece));
                }
            }
        }
    }
    Ok(())
}

fn named_type(rest: &str) -> Read<NamedType> {
    let (name, rest) = TableName::read_front(rest).ok_or("a name is missing")?;
    let rest = rest
        .strip_prefix(':')
        .ok_or("a colon is missing after the name")?
        .trim_start();
    let kind = if let Some(labels) = rest.strip_prefix("enum ") {
        NamedTypeKind::Enum(cut(labels)?.into_iter().map(label).collect::<Read<_>>()?)
    } else if let Some(definition) = rest.strip_prefix("domain ") {
        NamedTypeKind::Domain(sql(definition)?)
    } else {
        return Err("it is neither an enum nor a domain".to_owned());
    };
    Ok(NamedType { name, kind })
}

fn label(piece: &str) -> Read<String> {
    let text = sql(piece)?;
    let inner = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    inner
        .map(|inner| inner.replace("''", "'"))
        .ok_or_else(|| format!("{piece} is not a label in single quotes"))
}

fn left_out(rest: &str) -> Read<LeftOut> {
    let mut pieces = cut(rest)?.into_iter();
    let kind = match pieces.next() {
        Some("view") => LeftOutKind::View,
        Some("partition") => LeftOutKind::Partition,
        Some("foreign table") => LeftOutKind::ForeignTable,
        Some("extension member") => LeftOutKind::ExtensionMember,
        Some("virtual table") => LeftOutKind::VirtualTable,
        Some("trigger") => LeftOutKind::Trigger,
        other => return Err(unknown(other.unwrap_or_default())),
    };
    let mut left_out = LeftOut {
        kind,
        name: table_name(pieces.next().ok_or("a name is missing")?)?,
        table: None,
        definition: None,
    };
    for piece in pieces {
        if let Some(table) = piece.strip_prefix("of ") {
            left_out.table = Some(table_name(table)?);
        } else if let Some(definition) = piece.strip_prefix("by ") {
            left_out.definition = Some(sql(definition)?);
        } else {
            return Err(unknown(piece));
        }
    }
    Ok(left_out)
}

fn unknown(piece: &str) -> String {
    format!("{piece:?} is not known here")
}

fn cut(text: &str) -> Read<Vec<&str>> {
    pieces(text).ok_or_else(|| "a quote or a parenthesis is left open".to_owned())
}

/// The pieces after a first comma; none if there is nothing.
fn attributes(rest: &str) -> Read<Vec<&str>> {
    match rest.strip_prefix(',') {
        Some(rest) => cut(rest),
        None if rest.is_empty() => Ok(Vec::new()),
        None => Err(format!("a comma is missing before {rest:?}")),
    }
}

/// SQL, or the JSON string in braces that stands for it.
fn sql(text: &str) -> Read<String> {
    let text = text.trim();
    match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        Some(json) => serde_json::from_str(json).map_err(|error| format!("{json} is not a JSON string: {error}")),
        None => Ok(text.to_owned()),
    }
}

fn table_name(text: &str) -> Read<TableName> {
    TableName::try_from(text.to_owned())
}

fn columns(text: &str) -> Read<(Vec<ColumnName>, &str)> {
    let rest = text
        .strip_prefix('(')
        .ok_or("a list of columns in parentheses is missing")?;
    let (list, rest) = closing(rest).ok_or("a parenthesis is missing")?;
    Ok((names(list)?, rest))
}

fn names(list: &str) -> Read<Vec<ColumnName>> {
    cut(list)?
        .into_iter()
        .map(|piece| match read_written(piece) {
            Some((name, "")) => Ok(ColumnName::new(name)),
            Some(_) | None => Err(format!("{piece:?} is not a name: put it in double quotes")),
        })
        .collect()
}

fn name(piece: &str) -> Read<ConstraintName> {
    let name = piece.strip_prefix("as ").ok_or_else(|| unknown(piece))?;
    match read_written(name) {
        Some((name, "")) => Ok(ConstraintName::new(name)),
        Some(_) | None => Err(format!("{name:?} is not a name: put it in double quotes")),
    }
}

fn only_name(rest: &str) -> Read<Option<ConstraintName>> {
    attributes(rest)?.first().map(|piece| name(piece)).transpose()
}
