//! The tree for a terminal.

use super::View;
use super::outline::Outline;
use super::words::{self, Effect};
use crate::render::clean;

/// Columns begin further right than this only in the lines that need it: one deep line must not push all others away.
const WIDEST: usize = 80;

/// A line in columns.
struct Row {
    left: String,
    action: String,
    effects: Vec<Effect>,
}

/// The tree, the warnings and what it comes to, without a line break at the end.
pub(super) fn text(view: &View<'_>) -> String {
    let outline = Outline::of(view);
    let mut rows = vec![Row {
        left: clean(&view.plan.root().to_string()),
        action: String::new(),
        effects: vec![Effect {
            verb: "",
            rest: words::root(view),
        }],
    }];
    for line in &outline.lines {
        if let Some(edge) = outline.edges.get(line.edge) {
            let more = if line.again { " …" } else { "" };
            rows.push(Row {
                left: format!("{}{}{more}", line.branches, clean(&edge.relation.to_string())),
                action: words::action(edge),
                effects: words::effects(view, edge),
            });
        }
    }
    let widest = |width: fn(&Row) -> usize| rows.iter().map(width).filter(|width| *width <= WIDEST).max();
    let left = widest(|row| row.left.chars().count()).unwrap_or(0);
    let action = widest(|row| row.action.chars().count()).unwrap_or(0);
    let verb = widest(|row| row.effects.iter().map(|effect| effect.verb.len()).max().unwrap_or(0)).unwrap_or(0);
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let effects: Vec<_> = row.effects.iter().map(|effect| effect_text(effect, verb)).collect();
            let line = format!("{:left$}  {:action$}  {}", row.left, row.action, effects.join("; "));
            line.trim_end().to_owned()
        })
        .collect();
    lines.extend(
        view.plan
            .warnings()
            .iter()
            .map(|warning| format!("warning: {}", clean(warning))),
    );
    lines.extend(words::closing(view).map(|closing| clean(&closing)));
    lines.join("\n")
}

fn effect_text(effect: &Effect, width: usize) -> String {
    match effect.verb {
        "" => clean(&effect.rest),
        verb => format!("{verb:width$} {}", clean(&effect.rest)),
    }
}
