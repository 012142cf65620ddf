//! Columns in SeaORM's words: from an entity's create statement, and back from what a catalog says.

use sea_orm::Value;
use sea_orm::sea_query::{ColumnDef, ColumnType, DynIden, Expr, Keyword, StringLen};

use super::rust::{Argument, Chain, array, string};
use crate::backend::Backend;
use crate::name::TableName;
use crate::schema::{self, Column, Identity, NamedTypeKind, Schema, TypeKind};

/// What of a definition is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// All of it.
    Whole,
    /// Not that it is unique or the primary key: that is there already, or another call.
    NotUnique,
    /// As [`NotUnique`](Self::NotUnique), and it may be NULL for now.
    Nullable,
}

/// `ColumnDef::new("title").string().not_null()`.
pub(super) fn definition(backend: Backend, column: &ColumnDef, written: Written) -> Chain {
    let spec = column.get_column_spec();
    let name = string(&column.get_column_name());
    let mut chain = match column.get_column_type() {
        Some(kind) => match without_a_call(kind) {
            Some(written) => Chain::new(format!("ColumnDef::new_with_type({name}, {written})")),
            None => of_type(backend, Chain::new(format!("ColumnDef::new({name})")), kind),
        },
        None => Chain::new(format!("ColumnDef::new({name})")),
    };
    chain = match spec.nullable.unwrap_or(true) || written == Written::Nullable {
        true => chain.plain("null"),
        false => chain.plain("not_null"),
    };
    if let Some(default) = &spec.default {
        chain = chain.call("default", [default_value(backend, default)]);
    }
    if spec.auto_increment {
        chain = chain.plain("auto_increment");
    }
    if spec.primary_key && written == Written::Whole {
        chain = chain.plain("primary_key");
    }
    if spec.unique && written == Written::Whole {
        chain = chain.plain("unique_key");
    }
    for (name, text) in [("extra", &spec.extra), ("comment", &spec.comment)] {
        if let Some(text) = text {
            chain = chain.call(name, [string(text)]);
        }
    }
    chain
}

/// A type that every engine has and sea-query has no call for.
const fn without_a_call(kind: &ColumnType) -> Option<&'static str> {
    match kind {
        ColumnType::String(StringLen::Max) => Some("ColumnType::String(StringLen::Max)"),
        // What SeaORM makes of bytes.
        ColumnType::VarBinary(StringLen::None) => Some("ColumnType::VarBinary(StringLen::None)"),
        ColumnType::VarBinary(StringLen::Max) => Some("ColumnType::VarBinary(StringLen::Max)"),
        _ => None,
    }
}

fn of_type(backend: Backend, chain: Chain, kind: &ColumnType) -> Chain {
    let length = |length: &u32| [length.to_string()];
    let pair = |(precision, scale): &(u32, u32)| [precision.to_string(), scale.to_string()];
    match kind {
        ColumnType::Char(None) => chain.plain("char"),
        ColumnType::Char(Some(n)) => chain.call("char_len", length(n)),
        ColumnType::String(StringLen::N(n)) => chain.call("string_len", length(n)),
        ColumnType::String(StringLen::None) => chain.plain("string"),
        ColumnType::Text => chain.plain("text"),
        ColumnType::Blob => chain.plain("blob"),
        ColumnType::TinyInteger => chain.plain("tiny_integer"),
        ColumnType::SmallInteger => chain.plain("small_integer"),
        ColumnType::Integer => chain.plain("integer"),
        ColumnType::BigInteger => chain.plain("big_integer"),
        ColumnType::TinyUnsigned => chain.plain("tiny_unsigned"),
        ColumnType::SmallUnsigned => chain.plain("small_unsigned"),
        ColumnType::Unsigned => chain.plain("unsigned"),
        ColumnType::BigUnsigned => chain.plain("big_unsigned"),
        ColumnType::Float => chain.plain("float"),
        ColumnType::Double => chain.plain("double"),
        ColumnType::Decimal(None) => chain.plain("decimal"),
        ColumnType::Decimal(Some(size)) => chain.call("decimal_len", pair(size)),
        ColumnType::DateTime => chain.plain("date_time"),
        ColumnType::Timestamp => chain.plain("timestamp"),
        ColumnType::TimestampWithTimeZone => chain.plain("timestamp_with_time_zone"),
        ColumnType::Time => chain.plain("time"),
        ColumnType::Date => chain.plain("date"),
        ColumnType::Year => chain.plain("year"),
        ColumnType::Binary(n) => chain.call("binary_len", length(n)),
        ColumnType::VarBinary(StringLen::N(n)) => chain.call("var_binary", length(n)),
        ColumnType::Bit(None) => chain.call("bit", ["None".to_owned()]),
        ColumnType::Bit(Some(n)) => chain.call("bit", [format!("Some({n})")]),
        ColumnType::VarBit(n) => chain.call("varbit", length(n)),
        ColumnType::Boolean => chain.plain("boolean"),
        ColumnType::Money(None) => chain.plain("money"),
        ColumnType::Money(Some(size)) => chain.call("money_len", pair(size)),
        ColumnType::Json => chain.plain("json"),
        ColumnType::JsonBinary => chain.plain("json_binary"),
        ColumnType::Uuid => chain.plain("uuid"),
        ColumnType::Custom(name) => chain.call("custom", [string(&name.to_string())]),
        ColumnType::Enum { name, variants } => {
            let variants: Vec<_> = variants.iter().map(ToString::to_string).collect();
            let labels = array(variants.iter().map(String::as_str));
            chain.call("enumeration", [string(&name.to_string()), labels])
        }
        // In this engine's own words.
        other => {
            let text = schema::type_text(backend, other, &[]).unwrap_or_default();
            chain.call("custom", [string(&text)])
        }
    }
}

fn default_value(backend: Backend, default: &Expr) -> Argument {
    let text = match default {
        Expr::Value(value) | Expr::Constant(value) => literal(value),
        Expr::Keyword(Keyword::CurrentTimestamp) => Some("Expr::current_timestamp()".to_owned()),
        Expr::Keyword(Keyword::CurrentDate) => Some("Expr::current_date()".to_owned()),
        Expr::Keyword(Keyword::CurrentTime) => Some("Expr::current_time()".to_owned()),
        Expr::Custom(sql) => Some(format!("Expr::cust({})", string(sql))),
        _ => None,
    };
    let engine_s = || format!("Expr::cust({})", string(&schema::default_text(backend, default)));
    Argument::Text(text.unwrap_or_else(engine_s))
}

fn literal(value: &Value) -> Option<String> {
    let number = |number: i64| match i32::try_from(number) {
        Ok(_) => number.to_string(),
        Err(_) => format!("{number}_i64"),
    };
    match value {
        Value::Bool(Some(value)) => Some(value.to_string()),
        Value::TinyInt(Some(value)) => Some(number(i64::from(*value))),
        Value::SmallInt(Some(value)) => Some(number(i64::from(*value))),
        Value::Int(Some(value)) => Some(number(i64::from(*value))),
        Value::BigInt(Some(value)) => Some(number(*value)),
        Value::TinyUnsigned(Some(value)) => Some(number(i64::from(*value))),
        Value::SmallUnsigned(Some(value)) => Some(number(i64::from(*value))),
        Value::Unsigned(Some(value)) => Some(number(i64::from(*value))),
        Value::BigUnsigned(Some(value)) => Some(i64::try_from(*value).map_or_else(|_| format!("{value}_u64"), number)),
        Value::Float(Some(value)) => Some(format!("{value:?}")),
        Value::Double(Some(value)) => Some(format!("{value:?}")),
        Value::String(Some(value)) => Some(string(value)),
        Value::Char(Some(value)) => Some(string(&value.to_string())),
        _ => None,
    }
}

/// The definition that makes this column again. Of types that are the same on this engine, the entity's own is taken if it is one of
/// them.
pub(super) fn recalled(live: &Schema, column: &Column, declared: Option<&ColumnDef>) -> ColumnDef {
    let backend = live.backend;
    let kind = recalled_type(live, column, declared.and_then(ColumnDef::get_column_type));
    let mut definition = ColumnDef::new_with_type(column.name.as_str().to_owned(), kind.clone());
    if !column.nullable {
        definition.not_null();
    }
    if let Some(default) = &column.default {
        definition.default(recalled_default(backend, &kind, column, default));
    }
    match column.identity {
        Some(Identity::Always | Identity::ByDefault | Identity::Serial | Identity::AutoIncrement) => {
            definition.auto_increment();
        }
        None => {}
    }
    definition
}

fn recalled_type(live: &Schema, column: &Column, declared: Option<&ColumnType>) -> ColumnType {
    let backend = live.backend;
    let wanted = schema::data_type(backend, &column.data_type);
    if let Some(named) = TableName::read(&column.data_type).and_then(|name| live.named_type(&name))
        && let NamedTypeKind::Enum(labels) = &named.kind
    {
        return ColumnType::Enum {
            name: named.name.name().to_owned().into(),
            variants: labels.iter().map(|label| label.clone().into()).collect(),
        };
    }
    let is_it = |kind: &ColumnType| {
        schema::type_text(backend, kind, &[]).is_some_and(|text| schema::data_type(backend, &text) == wanted)
    };
    if let Backend::MySql = backend
        && let Some(variants) = mysql_labels(&column.data_type)
    {
        let name = match declared {
            Some(ColumnType::Enum { name, .. }) => name.clone(),
            _ => column.name.as_str().to_owned().into(),
        };
        return ColumnType::Enum { name, variants };
    }
    declared
        .cloned()
        .into_iter()
        .chain(candidates(&column.data_type))
        .find(is_it)
        .unwrap_or_else(|| ColumnType::custom(column.data_type.clone()))
}

/// The labels of `enum('new','it''s')`.
fn mysql_labels(text: &str) -> Option<Vec<DynIden>> {
    let mut rest = text.strip_prefix("enum(")?.strip_suffix(')')?;
    let mut labels = Vec::new();
    loop {
        let (mut label, mut inner) = (String::new(), rest.strip_prefix('\'')?);
        loop {
            let (part, after) = inner.split_once('\'')?;
            label.push_str(part);
            match after.strip_prefix('\'') {
                Some(more) => {
                    label.push('\'');
                    inner = more;
                }
                None => {
                    inner = after;
                    break;
                }
            }
        }
        labels.push(label.into());
        match inner {
            "" => return Some(labels),
            _ => rest = inner.strip_prefix(',')?,
        }
    }
}

/// Every type that this one may have been made from.
fn candidates(text: &str) -> Vec<ColumnType> {
    use ColumnType as T;
    let mut kinds = vec![
        T::String(StringLen::None),
        T::Text,
        T::Integer,
        T::BigInteger,
        T::SmallInteger,
        T::TinyInteger,
        T::Unsigned,
        T::BigUnsigned,
        T::SmallUnsigned,
        T::TinyUnsigned,
        T::Boolean,
        T::Float,
        T::Double,
        T::TimestampWithTimeZone,
        T::Timestamp,
        T::DateTime,
        T::Date,
        T::Time,
        T::Year,
        T::Uuid,
        T::Json,
        T::JsonBinary,
        T::Blob,
        T::Decimal(None),
        T::Char(None),
        T::Money(None),
    ];
    let inner = text.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let numbers: Vec<u32> = inner
        .map(|(inner, _)| {
            inner
                .split(',')
                .filter_map(|number| number.trim().parse().ok())
                .collect()
        })
        .unwrap_or_default();
    match numbers.as_slice() {
        [n] => kinds.extend([
            T::String(StringLen::N(*n)),
            T::Char(Some(*n)),
            T::Binary(*n),
            T::VarBinary(StringLen::N(*n)),
            T::Bit(Some(*n)),
            T::VarBit(*n),
        ]),
        [precision, scale] => kinds.push(T::Decimal(Some((*precision, *scale)))),
        _ => {}
    }
    kinds
}

fn recalled_default(backend: Backend, kind: &ColumnType, column: &Column, sql: &str) -> Expr {
    let is_integer = matches!(TypeKind::of(backend, &column.data_type), TypeKind::Integer { .. });
    let inner = sql.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    match (kind, sql.to_ascii_lowercase().as_str()) {
        (ColumnType::Boolean, "true" | "1") => Expr::val(true),
        (ColumnType::Boolean, "false" | "0") => Expr::val(false),
        (_, "current_timestamp") => Expr::current_timestamp(),
        _ => match (inner, sql.parse::<i64>()) {
            (_, Ok(number)) if is_integer => Expr::val(number),
            (Some(text), _) if !text.replace("''", "").contains(['\'', '\\']) => Expr::val(text.replace("''", "'")),
            _ => Expr::cust(sql.to_owned()),
        },
    }
}

/// Whether values may be lost or refused by this change of type, as far as the words for the two tell.
pub(super) fn may_lose(from: &ColumnType, to: &ColumnType) -> bool {
    use ColumnType as T;
    let length = |kind: &T| match kind {
        T::Char(n) => Some(n.unwrap_or(1)),
        T::String(StringLen::N(n)) => Some(*n),
        T::String(StringLen::None) => Some(255),
        T::String(StringLen::Max) => Some(65_535),
        T::Text => Some(u32::MAX),
        _ => None,
    };
    let bytes = |kind: &T| match kind {
        T::TinyInteger => Some(1),
        T::SmallInteger => Some(2),
        T::Integer => Some(4),
        T::BigInteger => Some(8),
        T::TinyUnsigned => Some(1),
        T::SmallUnsigned => Some(2),
        T::Unsigned => Some(4),
        T::BigUnsigned => Some(8),
        _ => None,
    };
    let is_unsigned = |kind: &T| matches!(kind, T::TinyUnsigned | T::SmallUnsigned | T::Unsigned | T::BigUnsigned);
    match (length(from), length(to), bytes(from), bytes(to)) {
        (Some(from), Some(to), _, _) => to < from,
        (_, _, Some(a), Some(b)) if is_unsigned(from) == is_unsigned(to) => b < a,
        (_, _, Some(a), Some(b)) if is_unsigned(from) => b <= a,
        // An integer has a text of at most 20 characters.
        (_, Some(length), Some(_), _) => length < 20,
        _ => match (from, to) {
            (T::Enum { variants: from, .. }, T::Enum { variants: to, .. }) => !from
                .iter()
                .all(|label| to.iter().any(|known| known.to_string() == label.to_string())),
            (T::Float, T::Double) | (T::Json, T::JsonBinary | T::Text) | (_, T::Text) => false,
            (from, to) => from != to,
        },
    }
}
