//! The legend: what the lines of this picture mean, and no other.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::picture::{Edge, Picture};
use super::super::style::{self, Stroke};
use super::arrange::MARGIN;
use super::draw::{arrow, dashes, foot};

const SAMPLE: f64 = 34.0;
const CELL: f64 = 6.3;
const LINE: f64 = 22.0;

/// The legend below a picture of this size, and the size with it.
pub(super) fn legend(picture: &Picture<'_>, width: f64, height: f64) -> (String, f64, f64) {
    let lines = [actions(picture), enforcement(picture), ends(picture)];
    let lines = lines.into_iter().filter(|(_, entries)| !entries.is_empty());
    let mut body = String::new();
    let mut right = width;
    let mut y = height + 8.0;
    for (title, entries) in lines {
        // Infallible, here and below: a String takes everything.
        let _ = writeln!(
            body,
            "<text x=\"{MARGIN}\" y=\"{}\" font-weight=\"bold\">{title}</text>",
            y + 4.0
        );
        let start = MARGIN + 100.0;
        let mut x = start;
        for entry in entries {
            let needed = SAMPLE + 8.0 + entry.words.chars().count() as f64 * CELL + 22.0;
            if x > start && x + needed > width.max(720.0) {
                (x, y) = (start, y + LINE);
            }
            let _ = writeln!(
                body,
                "<g fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\">\n<path d=\"M{x} {y}H{}\"{}/>",
                entry.colour,
                x + SAMPLE,
                dashes(entry.stroke)
            );
            if let Some(many) = entry.foot {
                let _ = writeln!(body, "<path d=\"{}\"/>", foot((x, y), 1.0, many));
            }
            if let Some(optional) = entry.arrow {
                arrow(&mut body, (x + SAMPLE, y), 1.0, entry.colour, optional);
            }
            let _ = writeln!(
                body,
                "<text x=\"{}\" y=\"{}\" fill=\"#0f172a\" stroke=\"none\">{}</text>\n</g>",
                x + SAMPLE + 8.0,
                y + 4.0,
                entry.words
            );
            x += needed;
            right = right.max(x);
        }
        y += LINE;
    }
    match body.is_empty() {
        true => (String::new(), width.max(2.0 * MARGIN), height.max(2.0 * MARGIN)),
        false => (
            format!(
                "<g class=\"legend\" font-size=\"11\" font-family=\"system-ui, 'DejaVu Sans', Arial, sans-serif\" fill=\"#0f172a\">\n{body}</g>\n"
            ),
            right,
            y + 6.0,
        ),
    }
}

struct Entry {
    words: String,
    colour: &'static str,
    stroke: Stroke,
    foot: Option<bool>,
    arrow: Option<bool>,
}

const NEUTRAL: &str = "#334155";

fn entry(words: &str) -> Entry {
    Entry {
        words: words.to_owned(),
        colour: NEUTRAL,
        stroke: Stroke::Solid,
        foot: None,
        arrow: None,
    }
}

type Line = (&'static str, Vec<Entry>);

fn actions(picture: &Picture<'_>) -> Line {
    let actions: BTreeSet<_> = picture.edges.iter().map(|edge| edge.key.on_delete).collect();
    let entries = actions.into_iter().map(|action| Entry {
        colour: style::colour(action),
        ..entry(&action.to_string())
    });
    ("on delete", entries.collect())
}

fn enforcement(picture: &Picture<'_>) -> Line {
    let strokes: BTreeSet<_> = picture.edges.iter().map(|edge| Stroke::of(edge.key)).collect();
    let entries = strokes.into_iter().map(|stroke| Entry {
        stroke,
        ..entry(match stroke {
            Stroke::Solid => "the database",
            Stroke::Dashed => "the application",
            Stroke::Dotted => "the application, later",
        })
    });
    ("enforced by", entries.collect())
}

fn ends(picture: &Picture<'_>) -> Line {
    let any = |test: fn(&Edge<'_>) -> bool| picture.edges.iter().any(test);
    let foot = |many, words| Entry {
        foot: Some(many),
        ..entry(words)
    };
    let arrow = |optional, words| Entry {
        arrow: Some(optional),
        ..entry(words)
    };
    let entries = [
        any(|edge| edge.many).then(|| foot(true, "many rows")),
        any(|edge| !edge.many).then(|| foot(false, "at most one row")),
        any(|edge| !edge.optional).then(|| arrow(false, "to one row")),
        any(|edge| edge.optional).then(|| arrow(true, "to one row or none (null)")),
    ];
    ("ends", entries.into_iter().flatten().collect())
}
