//! Calls of SeaORM's `SchemaManager` with what sea-query builds.

use super::super::act::{Act, Key, Lock, Value};
use super::functions::Function;
use super::rust::Token;
use super::text::{Known, texts};
use super::tree::{between_commas, group};
use crate::name::{ColumnName, TableName};

/// What stands for a name that could not be read.
const UNKNOWN: &str = "{…}";

/// What names are known where a call stands.
pub(super) struct Names<'a, 't> {
    pub(super) known: &'a Known<'t>,
    pub(super) functions: &'a [Function<'t>],
}

pub(super) fn is_call(name: &str) -> bool {
    let calls = [
        "create_table",
        "create_foreign_key",
        "create_index",
        "alter_table",
        "drop_table",
        "drop_foreign_key",
        "drop_index",
        "rename_table",
        "truncate_table",
    ];
    calls.contains(&name)
}

/// Whether a name could not be read.
pub(super) fn is_unknown(table: &TableName) -> bool {
    table.name() == UNKNOWN
}

/// What a call does with this argument.
pub(super) fn acts(call: &str, argument: &[Token], names: &Names<'_, '_>) -> Vec<Act> {
    let built = Built {
        methods: methods(argument),
        names,
    };
    let table = built.table("table");
    match call {
        "create_table" => {
            let referenced = built.all("foreign_key").filter_map(|key| key.referenced());
            let locks = referenced
                .map(|table| lock(table, Lock::ShareRowExclusive))
                .collect::<Vec<_>>();
            let perhaps = built.has("if_not_exists");
            [vec![Act::CreateTable { table, perhaps }], locks].concat()
        }
        "create_foreign_key" => built.key(None),
        "create_index" => vec![Act::CreateIndex {
            table,
            columns: built.columns("col"),
            name: built.name("name"),
            concurrently: built.has("concurrently"),
        }],
        "alter_table" => alterations(&built, &table),
        "drop_table" => vec![Act::DropTable { table: table.clone() }, exclusive(table)],
        "drop_foreign_key" => vec![
            Act::DropKey {
                table: table.clone(),
                name: built.name("name"),
            },
            exclusive(table),
        ],
        "drop_index" if !built.has("concurrently") => vec![exclusive(table)],
        "truncate_table" => vec![Act::Empty { table: table.clone() }, exclusive(table)],
        "rename_table" => {
            let arguments = built.arguments("table").map(between_commas).unwrap_or_default();
            let mut both = arguments.into_iter().map(|part| TableName::new(names.of(part)));
            match (both.next(), both.next()) {
                (Some(table), Some(to)) => vec![exclusive(table.clone()), Act::RenameTable { table, to }],
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// A column that an `Alteration` of a table drops, each as it was given.
pub(super) fn dropped(table: &[Token], column: &[Token], names: &Names<'_, '_>) -> Act {
    Act::DropColumn {
        table: TableName::new(names.of(table)),
        column: ColumnName::new(names.of(column)),
    }
}

const fn lock(table: TableName, lock: Lock) -> Act {
    Act::Lock { table, lock }
}

const fn exclusive(table: TableName) -> Act {
    lock(table, Lock::AccessExclusive)
}

/// What `Table::alter()` is asked for.
fn alterations(built: &Built<'_, '_, '_>, table: &TableName) -> Vec<Act> {
    let mut acts = Vec::new();
    for (method, arguments) in &built.methods {
        let of = || ColumnName::new(built.names.of(arguments));
        match *method {
            "add_column" | "add_column_if_not_exists" => {
                let column = column(arguments, built.names);
                acts.push(Act::AddColumn {
                    table: table.clone(),
                    column: column.name,
                    value: column.value,
                    not_null: column.not_null,
                });
            }
            "modify_column" => {
                let column = column(arguments, built.names);
                acts.extend(column.not_null.then(|| Act::SetNotNull {
                    table: table.clone(),
                    column: column.name,
                }));
            }
            "drop_column" | "drop_column_if_exists" => acts.push(Act::DropColumn {
                table: table.clone(),
                column: of(),
            }),
            "add_foreign_key" => {
                let key = Built {
                    methods: methods(built.names.followed(arguments)),
                    names: built.names,
                };
                acts.extend(key.key(Some(table)));
            }
            "drop_foreign_key" => acts.push(Act::DropKey {
                table: table.clone(),
                name: Some(of().as_str().to_owned()),
            }),
            _ => {}
        }
    }
    acts.push(exclusive(table.clone()));
    acts
}

/// A chain of calls.
struct Built<'b, 'a, 't> {
    methods: Vec<(&'b str, &'b [Token])>,
    names: &'a Names<'a, 't>,
}

impl<'b, 'a, 't> Built<'b, 'a, 't>
where
    't: 'b,
{
    fn arguments(&self, method: &str) -> Option<&'b [Token]> {
        let found = self.methods.iter().find(|(name, _)| *name == method)?;
        Some(found.1)
    }

    fn has(&self, method: &str) -> bool {
        self.arguments(method).is_some()
    }

    fn name(&self, method: &str) -> Option<String> {
        self.arguments(method).map(|arguments| self.names.of(arguments))
    }

    fn table(&self, method: &str) -> TableName {
        TableName::new(self.name(method).unwrap_or_else(|| UNKNOWN.to_owned()))
    }

    fn columns(&self, method: &str) -> Vec<ColumnName> {
        let calls = self.methods.iter().filter(|(name, _)| *name == method);
        calls
            .map(|(_, arguments)| ColumnName::new(self.names.of(arguments)))
            .collect()
    }

    /// The chains that were given to a method.
    fn all(&self, method: &str) -> impl Iterator<Item = Built<'b, 'a, 't>> {
        let names = self.names;
        let method = method.to_owned();
        self.methods
            .iter()
            .filter(move |(name, _)| *name == method)
            .map(move |(_, arguments)| Built {
                methods: methods(names.followed(arguments)),
                names,
            })
    }

    /// The table that a key references.
    fn referenced(&self) -> Option<TableName> {
        let name = self.name("to").or_else(|| self.name("to_tbl"))?;
        Some(TableName::new(name))
    }

    /// The side of a key: its table and columns.
    fn side(&self, both: &str, columns: &str) -> Vec<ColumnName> {
        let parts = self.arguments(both).map(between_commas).unwrap_or_default();
        match parts.get(1) {
            Some(list) => self.names.list(list),
            None => self.columns(columns),
        }
    }

    /// A foreign key, of the table it is an alteration of or of the one it names.
    fn key(&self, of: Option<&TableName>) -> Vec<Act> {
        let own = || self.name("from").or_else(|| self.name("from_tbl")).map(TableName::new);
        let unknown = || TableName::new(UNKNOWN);
        let table = of.cloned().or_else(own).unwrap_or_else(unknown);
        let referenced = self.referenced().unwrap_or_else(unknown);
        let key = Key {
            table: table.clone(),
            columns: self.side("from", "from_col"),
            referenced: referenced.clone(),
            referenced_columns: self.side("to", "to_col"),
            name: self.name("name"),
            validated: true,
            alone: false,
        };
        vec![
            Act::AddKey(key),
            lock(table, Lock::ShareRowExclusive),
            lock(referenced, Lock::ShareRowExclusive),
        ]
    }
}

impl<'t> Names<'_, 't> {
    /// The name that an argument is: a text, `Alias::new(…)`, or a variant that derives `Iden`.
    fn of(&self, argument: &[Token]) -> String {
        let mut first = between_commas(argument).into_iter().next().unwrap_or_default();
        // (Schema, Table)
        while first.first().is_some_and(|token| token.is('(')) {
            first = between_commas(group(first).0).pop().unwrap_or_default();
        }
        if let Some([only]) = texts(first, self.known, self.functions).as_deref() {
            return only.value.clone();
        }
        let path = first.iter().map_while(|token| match token.word() {
            Some(word) => Some(Some(word)),
            None => token.is(':').then_some(None),
        });
        let words: Vec<_> = path.flatten().collect();
        match words.as_slice() {
            [.., of, "Table" | "Entity"] => snake(of),
            [.., variant] if variant.starts_with(char::is_uppercase) => snake(variant),
            [.., variable] => format!("{{{variable}}}"),
            [] => UNKNOWN.to_owned(),
        }
    }

    /// One name, or several in a tuple.
    fn list(&self, argument: &[Token]) -> Vec<ColumnName> {
        let parts = match argument {
            [open, ..] if open.is('(') || open.is('[') => between_commas(group(argument).0),
            argument => vec![argument],
        };
        parts.into_iter().map(|part| ColumnName::new(self.of(part))).collect()
    }

    /// What a name stands for.
    fn followed<'b>(&self, argument: &'b [Token]) -> &'b [Token]
    where
        't: 'b,
    {
        let plain = match argument {
            [reference, rest @ ..] if reference.is('&') => rest,
            argument => argument,
        };
        match plain {
            [name, rest @ ..] if rest.first().is_none_or(|token| token.is('.') || token.is(',')) => name
                .word()
                .and_then(|name| self.known.bound.get(name).copied())
                .unwrap_or(argument),
            _ => argument,
        }
    }
}

/// The calls of a chain, with their arguments.
fn methods(tokens: &[Token]) -> Vec<(&str, &[Token])> {
    let mut found = Vec::new();
    let mut rest = tokens;
    while let [first, after @ ..] = rest {
        let here = rest;
        rest = after;
        if let [name, open, ..] = after
            && first.is('.')
            && open.is('(')
            && let Some(name) = name.word()
        {
            let (arguments, behind) = group(after.get(1..).unwrap_or_default());
            found.push((name, arguments));
            rest = behind;
        } else if ['(', '[', '{'].iter().any(|bracket| first.is(*bracket)) {
            // What is inside is another chain.
            rest = group(here).1;
        }
    }
    found
}

/// A column, as it is built.
struct Column {
    name: ColumnName,
    not_null: bool,
    value: Value,
}

fn column(argument: &[Token], names: &Names<'_, '_>) -> Column {
    let argument = names.followed(argument);
    // The first call: `ColumnDef::new(…)`, or a function of `sea_orm_migration::schema`, where NOT NULL is the rule.
    let first = argument.windows(2).enumerate().find_map(|(at, window)| match window {
        [word, open] if open.is('(') => word.word().map(|word| (word, at + 1)),
        _ => None,
    });
    let (function, open) = first.unwrap_or(("", argument.len()));
    let arguments = group(argument.get(open..).unwrap_or_default()).0;
    let methods = methods(argument);
    let has = |wanted: &str| methods.iter().any(|(name, _)| *name == wanted);
    let by_schema = !function.is_empty() && !function.starts_with("new");
    let own = by_schema && (function.starts_with("pk_") || function.contains("auto"));
    let filled = has("default") || has("generated") || has("auto_increment") || own;
    Column {
        name: ColumnName::new(names.of(arguments)),
        not_null: has("not_null") || has("primary_key") || (by_schema && !function.ends_with("_null") && !has("null")),
        value: if filled { Value::Some } else { Value::None },
    }
}

/// As `DeriveIden` names a variant.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for (at, c) in name.chars().enumerate() {
        if c.is_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}
