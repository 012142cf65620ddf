//! A migration's two lines in the migrator's file, whatever form SeaORM's templates and rustfmt have given it.

/// The file with the migration registered; nothing if there is no place for it.
pub(super) fn registered(text: &str, module: &str) -> Option<String> {
    let with_entry = with_entry(text, &format!("Box::new({module}::Migration)"))?;
    with_module(&with_entry, module)
}

/// After the last migration's line, or the last module's, or what is imported.
fn with_module(text: &str, module: &str) -> Option<String> {
    let mut end = 0;
    let (mut migration, mut other, mut import) = (None, None, None);
    for line in text.split_inclusive('\n') {
        end += line.len();
        let words = line.trim_end();
        if let Some(name) = module_of(words) {
            other = Some(end);
            if is_migration(name) {
                migration = Some((end, words.strip_suffix(&format!("mod {name};")).unwrap_or_default()));
            }
        } else if words.starts_with("use ") || words.starts_with("pub use ") {
            import = Some(end);
        }
    }
    let (place, line) = match (migration, other, import) {
        (Some((end, visibility)), _, _) => (end, format!("{visibility}mod {module};\n")),
        (None, Some(end), _) => (end, format!("mod {module};\n")),
        (None, None, Some(end)) => (end, format!("\nmod {module};\n")),
        (None, None, None) => return None,
    };
    let (before, after) = text.split_at_checked(place)?;
    let gap = if before.ends_with('\n') { "" } else { "\n" };
    Some(format!("{before}{gap}{line}{after}"))
}

/// The name in `mod name;` at the line's beginning.
fn module_of(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub").map_or(line, |rest| {
        let rest = rest.trim_start();
        rest.strip_prefix('(')
            .and_then(|rest| rest.split_once(')'))
            .map_or(rest, |(_, rest)| rest)
    });
    let name = rest.trim_start().strip_prefix("mod ")?.strip_suffix(';')?;
    Some(name.trim())
}

/// `m20260101_000001_create_users`.
fn is_migration(name: &str) -> bool {
    let digits = |text: &str, count: usize| text.len() == count && text.chars().all(|c| c.is_ascii_digit());
    let mut parts = name.strip_prefix('m').unwrap_or_default().splitn(3, '_');
    parts.next().is_some_and(|date| digits(date, 8)) && parts.next().is_some_and(|time| digits(time, 6))
}

/// At the end of the vector that `fn migrations()` returns.
fn with_entry(text: &str, entry: &str) -> Option<String> {
    let function = text.find("fn migrations()")?;
    let opened = function + text.get(function..)?.find("vec![")? + "vec![".len();
    let inner = text.get(opened..)?;
    let closed = opened + closing(inner)?;
    let (before, inner, after) = (text.get(..opened)?, text.get(opened..closed)?, text.get(closed..)?);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let margin: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    let known = inner.trim();
    let known = known.strip_suffix(',').unwrap_or(known);
    let entries = match (known.is_empty(), inner.contains('\n')) {
        (true, _) => entry.to_owned(),
        (false, true) => {
            // What stands there stays as it stands.
            let kept = inner.trim_end();
            let comma = if kept.ends_with(',') || ends_with_comment(kept) {
                ""
            } else {
                ","
            };
            format!("{kept}{comma}\n{margin}    {entry},\n{margin}")
        }
        (false, false) => format!("\n{margin}    {known},\n{margin}    {entry},\n{margin}"),
    };
    Some(format!("{before}{entries}{after}"))
}

fn ends_with_comment(text: &str) -> bool {
    text.rsplit('\n').next().is_some_and(|line| line.contains("//"))
}

/// Where the bracket closes that is open at the beginning.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1u32;
    let mut in_comment = false;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '\n' => in_comment = false,
            '/' if before == '/' => in_comment = true,
            '[' if !in_comment => depth += 1,
            ']' if !in_comment => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::registered;

    const NEW: &str = "m20270101_000000_new";

    #[test]
    fn the_template_s_one_line() {
        let template = "pub use sea_orm_migration::prelude::*;

mod m20220101_000001_create_table;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m20220101_000001_create_table::Migration)]
    }
}
";
        let expected = template
            .replace("create_table;\n", "create_table;\nmod m20270101_000000_new;\n")
            .replace(
                "vec![Box::new(m20220101_000001_create_table::Migration)]",
                "vec![
            Box::new(m20220101_000001_create_table::Migration),
            Box::new(m20270101_000000_new::Migration),
        ]",
            );
        assert_eq!(registered(template, NEW).unwrap(), expected);
    }

    #[test]
    fn several_lines_with_a_comment() {
        let text = "pub(crate) mod m20220101_000001_a;
mod helper;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20220101_000001_a::Migration), // [sic]
        ]
    }
}
";
        let expected = "pub(crate) mod m20220101_000001_a;
pub(crate) mod m20270101_000000_new;
mod helper;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20220101_000001_a::Migration), // [sic]
            Box::new(m20270101_000000_new::Migration),
        ]
    }
}
";
        assert_eq!(registered(text, NEW).unwrap(), expected);
    }

    #[test]
    fn the_first_one() {
        let text = "use sea_orm_migration::prelude::*;

fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![]
}
";
        let expected = "use sea_orm_migration::prelude::*;

mod m20270101_000000_new;

fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m20270101_000000_new::Migration)]
}
";
        assert_eq!(registered(text, NEW).unwrap(), expected);
    }

    #[test]
    fn no_place() {
        assert_eq!(registered("pub struct Migrator;\n", NEW), None);
        assert_eq!(registered("fn migrations() -> Vec<X> { all() }\n", NEW), None);
    }
}
