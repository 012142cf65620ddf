//! [`Definition`]: the text of a `CREATE TABLE`, cut into the items between its parentheses.
//!
//! It understands as much of SQL as that needs: quotes, comments, parentheses and commas.

/// A table's definition. The text of its items is kept to the letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Definition {
    /// Columns first, then table constraints: SQLite allows no other order.
    items: Vec<String>,
    /// What follows the closing parenthesis: STRICT, WITHOUT ROWID.
    options: String,
}

impl Definition {
    pub(super) fn parse(sql: &str) -> Result<Self, String> {
        let unreadable = || "the stored CREATE TABLE cannot be read: nothing was changed".to_owned();
        let spans = Spans::of(sql);
        let open = spans.top_level(sql, '(').next().ok_or_else(unreadable)?;
        let inner = sql.get(open + 1..).ok_or_else(unreadable)?;
        let inner_spans = Spans::of(inner);
        let close = inner_spans.closing(inner).ok_or_else(unreadable)?;
        let (body, rest) = inner.split_at_checked(close).ok_or_else(unreadable)?;
        let body_spans = Spans::of(body);
        let mut items = Vec::new();
        let mut start = 0;
        for comma in body_spans.top_level(body, ',') {
            items.push(body.get(start..comma).ok_or_else(unreadable)?.trim().to_owned());
            start = comma + 1;
        }
        items.push(body.get(start..).ok_or_else(unreadable)?.trim().to_owned());
        Ok(Self {
            items,
            options: rest.trim_start_matches(')').trim().to_owned(),
        })
    }

    /// The statement that creates the table under a name that is quoted already.
    pub(super) fn create(&self, quoted_name: &str) -> String {
        // Each item ends its line, so that a comment at its end ends too.
        let create = format!(
            "CREATE TABLE {quoted_name} (\n  {}\n) {}",
            self.items.join("\n, "),
            self.options
        );
        create.trim_end().to_owned()
    }

    pub(super) fn with_column(&self, column: &str, constraint: &str) -> Self {
        let mut items = self.items.clone();
        let first_constraint = items.iter().position(|item| is_constraint(item)).unwrap_or(items.len());
        items.insert(first_constraint, column.to_owned());
        items.push(constraint.to_owned());
        Self {
            items,
            options: self.options.clone(),
        }
    }

    /// Without the column and the foreign keys on it alone.
    pub(super) fn without_column(&self, column: &str) -> Result<Self, String> {
        let mut items = Vec::new();
        for item in &self.items {
            let is_it = if is_constraint(item) {
                foreign_key_columns(item)
                    .is_some_and(|columns| columns.len() == 1 && columns.iter().all(|c| same(c, column)))
            } else {
                words(item).next().is_some_and(|name| same(&name, column))
            };
            if is_it {
                continue;
            }
            if is_constraint(item) && words(item).any(|word| same(&word, column)) {
                return Err(format!("nothing was changed: another constraint uses {column}: {item}"));
            }
            items.push(item.clone());
        }
        Ok(Self {
            items,
            options: self.options.clone(),
        })
    }
}

/// Whether an item constrains the table rather than define a column. An unquoted column cannot have such a name.
fn is_constraint(item: &str) -> bool {
    let first = words(item).next().unwrap_or_default();
    !first.starts_with(['"', '`', '['])
        && ["constraint", "primary", "unique", "check", "foreign"]
            .iter()
            .any(|keyword| first.eq_ignore_ascii_case(keyword))
}

/// The referencing columns, if the constraint is a foreign key.
fn foreign_key_columns(item: &str) -> Option<Vec<String>> {
    let all: Vec<_> = words(item).collect();
    let foreign = all.iter().position(|word| word.eq_ignore_ascii_case("foreign"))?;
    let references = all.iter().position(|word| word.eq_ignore_ascii_case("references"))?;
    all.get(foreign + 2..references).map(<[_]>::to_vec)
}

/// Names compare without case and quotes.
fn same(word: &str, name: &str) -> bool {
    word.trim_matches(['"', '`', '[', ']']).eq_ignore_ascii_case(name)
}

/// The words of a text, quoted ones with their quotes; neither punctuation nor comments nor strings.
fn words(text: &str) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    let mut word = String::new();
    for (character, place) in text.chars().zip(Spans::of(text).places) {
        let part_of_word = match place {
            Place::Code => character.is_alphanumeric() || character == '_',
            Place::Name => true,
            Place::Skipped => false,
        };
        if part_of_word {
            word.push(character);
        } else if !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
    }
    found.push(word);
    found.into_iter().filter(|word| !word.is_empty())
}

/// What each character of a text belongs to.
struct Spans {
    places: Vec<Place>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Code,
    /// A quoted name, quotes included.
    Name,
    /// A string or a comment.
    Skipped,
}

impl Spans {
    fn of(text: &str) -> Self {
        let mut places = Vec::new();
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let (place, end) = match (character, characters.peek()) {
                ('\'', _) => (Place::Skipped, "'"),
                ('"', _) => (Place::Name, "\""),
                ('`', _) => (Place::Name, "`"),
                ('[', _) => (Place::Name, "]"),
                ('-', Some('-')) => (Place::Skipped, "\n"),
                ('/', Some('*')) => (Place::Skipped, "*/"),
                _ => {
                    places.push(Place::Code);
                    continue;
                }
            };
            places.push(place);
            // A doubled quote closes and opens again at once, which comes to the same.
            let mut tail = String::new();
            for inside in characters.by_ref() {
                places.push(place);
                tail.push(inside);
                if tail.ends_with(end) && !(end == "*/" && tail == "*/") {
                    break;
                }
            }
        }
        Self { places }
    }

    /// Where this character stands outside all quotes and parentheses, as byte offsets.
    fn top_level(&self, text: &str, wanted: char) -> impl Iterator<Item = usize> {
        let mut depth = 0_u32;
        let mut found = Vec::new();
        for ((offset, character), place) in text.char_indices().zip(&self.places) {
            if *place != Place::Code {
                continue;
            }
            if character == wanted && depth == 0 {
                found.push(offset);
            }
            match character {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        found.into_iter()
    }

    /// Where the parenthesis closes that was opened before this text.
    fn closing(&self, text: &str) -> Option<usize> {
        self.top_level(text, ')').next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSTS: &str = "CREATE TABLE \"posts\" (id integer PRIMARY KEY, -- the (first), column
        \"ti,tle\" text DEFAULT 'a, (b' CHECK (length(\"ti,tle\") > 0), CONSTRAINT short CHECK (id < 10)) STRICT";

    fn parsed(sql: &str) -> Definition {
        Definition::parse(sql).unwrap_or_else(|_| Definition {
            items: Vec::new(),
            options: String::new(),
        })
    }

    #[test]
    fn columns_go_before_constraints_and_the_text_stays() {
        let changed =
            parsed(POSTS).with_column("user_id bigint NOT NULL", "FOREIGN KEY (user_id) REFERENCES users (id)");
        assert_eq!(
            changed.create("\"new\""),
            "CREATE TABLE \"new\" (\n  id integer PRIMARY KEY\n, -- the (first), column\n        \"ti,tle\" text DEFAULT 'a, (b' \
             CHECK (length(\"ti,tle\") > 0)\n, user_id bigint NOT NULL\n, CONSTRAINT short CHECK (id < 10)\n, \
             FOREIGN KEY (user_id) REFERENCES users (id)\n) STRICT"
        );
    }

    #[test]
    fn removing_a_column_gives_back_what_was_there() {
        let before = parsed(POSTS);
        let changed = before.with_column("\"user_id\" bigint", "FOREIGN KEY (\"user_id\") REFERENCES users (id)");
        assert_eq!(changed.without_column("user_id"), Ok(before));
    }

    #[test]
    fn a_constraint_that_uses_the_column_is_refused() {
        let changed = parsed(POSTS).with_column("user_id bigint", "UNIQUE (id, user_id)");
        assert_eq!(
            changed.without_column("user_id"),
            Err("nothing was changed: another constraint uses user_id: UNIQUE (id, user_id)".to_owned())
        );
    }
}
