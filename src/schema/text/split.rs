//! Cutting a line of the text form at its commas, but not at those inside quotes, parentheses or braces.

/// Whether a piece of SQL is read back as the one piece it is.
pub(super) fn is_one_piece(sql: &str) -> bool {
    let clean = !sql.starts_with('{') && sql.trim() == sql && !sql.contains(['\n', '\r']);
    clean && pieces(sql).is_some_and(|pieces| pieces.len() <= 1)
}

/// The pieces between the commas, trimmed; nothing if a quote or parenthesis is left open or closed too often.
pub(super) fn pieces(text: &str) -> Option<Vec<&str>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let end = end_of_piece(rest)?;
        let (piece, after) = rest.split_at_checked(end)?;
        pieces.push(piece.trim());
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None => break,
        }
    }
    Some(pieces)
}

/// The text up to the parenthesis that closes one that was open before it, and what follows.
pub(super) fn closing(text: &str) -> Option<(&str, &str)> {
    let end = scan(text, |c, depth| c == ')' && depth == 0)?;
    let (inner, rest) = text.split_at_checked(end)?;
    rest.strip_prefix(')').map(|rest| (inner, rest))
}

fn end_of_piece(text: &str) -> Option<usize> {
    scan(text, |c, depth| c == ',' && depth == 0)
}

/// Where a character outside quotes stops it; the end of the text if none does. Nothing if the text ends, or a parenthesis closes, at the
/// wrong depth.
fn scan(text: &str, stops: impl Fn(char, usize) -> bool) -> Option<usize> {
    let mut depth = 0usize;
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        if stops(c, depth) {
            return Some(at);
        }
        match c {
            '\'' | '`' => while characters.next()?.1 != c {},
            '"' => while characters.next()?.1 != c {},
            // SQL that stands as a JSON string in braces; there a backslash escapes.
            '{' if text.get(at + 1..).is_some_and(|rest| rest.starts_with('"')) => {
                characters.next()?;
                loop {
                    match characters.next()?.1 {
                        '"' => break,
                        '\\' => drop(characters.next()?),
                        _ => {}
                    }
                }
                depth += 1;
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    (depth == 0).then_some(text.len())
}
