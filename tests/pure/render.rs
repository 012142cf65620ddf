//! Pictures: what is in them, that they are well formed, and that every schema has one.

use std::collections::BTreeSet;

use proptest::prelude::*;
use roxmltree::Document;
use sea_orm_cascade::name::TableName;
use sea_orm_cascade::{Backend, render, schema::Schema};

use crate::random::schemas;

const CHINOOK: &str = include_str!("fixtures/chinook.txt");
const SAKILA: &str = include_str!("fixtures/sakila.txt");
/// Every action, every enforcement, and names that need quotes.
const SHOP: &str = include_str!("fixtures/shop.txt");

fn read(text: &str) -> Schema {
    Schema::parse(text).expect("the fixture is well formed")
}

#[test]
fn mermaid_of_a_shop() {
    insta::assert_snapshot!(render::mermaid(&read(SHOP)));
}

#[test]
fn dot_of_a_shop() {
    insta::assert_snapshot!(render::dot(&read(SHOP)));
}

#[test]
fn svg_of_a_shop() {
    insta::assert_snapshot!(render::svg(&read(SHOP)));
}

/// A rectangle: left, top, right, bottom.
type Area = (f64, f64, f64, f64);

fn number(node: roxmltree::Node<'_, '_>, attribute: &str) -> f64 {
    let value = node.attribute(attribute).expect("it has this attribute");
    value.parse().expect("it is a number")
}

fn title(node: roxmltree::Node<'_, '_>) -> String {
    let title = node.children().find(|child| child.has_tag_name("title"));
    title.and_then(|title| title.text()).unwrap_or_default().to_owned()
}

fn of_class<'a, 'input>(svg: &'a Document<'input>, class: &str) -> Vec<roxmltree::Node<'a, 'input>> {
    svg.descendants()
        .filter(|node| node.attribute("class") == Some(class))
        .collect()
}

fn tables(svg: &Document<'_>) -> Vec<(String, Area)> {
    let area = |table: roxmltree::Node<'_, '_>| {
        let outline = table
            .children()
            .find(|child| child.has_tag_name("rect"))
            .expect("a table has an outline");
        let (left, top) = (number(outline, "x"), number(outline, "y"));
        (
            left,
            top,
            left + number(outline, "width"),
            top + number(outline, "height"),
        )
    };
    of_class(svg, "table")
        .into_iter()
        .map(|table| (title(table), area(table)))
        .collect()
}

/// Tables are apart and within the picture.
fn check_boxes(svg: &Document<'_>) {
    let (width, height) = (
        number(svg.root_element(), "width"),
        number(svg.root_element(), "height"),
    );
    let tables = tables(svg);
    for (index, (name, a)) in tables.iter().enumerate() {
        assert!(
            a.0 >= 0.0 && a.1 >= 0.0 && a.2 <= width && a.3 <= height,
            "{name} leaves the picture"
        );
        for (other, b) in tables.iter().skip(index + 1) {
            let apart = a.2 < b.0 || b.2 < a.0 || a.3 < b.1 || b.3 < a.1;
            assert!(apart, "{name} overlaps {other}: {a:?} {b:?}");
        }
    }
}

/// The corners of a key's line: it has level and upright parts only.
fn corners(key: roxmltree::Node<'_, '_>) -> Vec<(f64, f64)> {
    let path = key
        .children()
        .find(|child| child.has_tag_name("path"))
        .expect("a key has a line");
    let path = path.attribute("d").expect("a line has a path");
    // `M x y`, `L x y`, and `Q x y x y` around a corner, of which the first point is the corner.
    path.split(['M', 'L', 'Q'])
        .filter(|part| !part.is_empty())
        .map(|part| {
            let mut numbers = part
                .split(' ')
                .map(|number| number.parse::<f64>().expect("it is a number"));
            (numbers.next().expect("an x"), numbers.next().expect("a y"))
        })
        .collect()
}

/// No key's line runs through a table.
fn check_lines(svg: &Document<'_>) {
    let tables = tables(svg);
    for key in of_class(svg, "key") {
        let corners = corners(key);
        assert!(corners.len() > 1, "{} is not drawn", title(key));
        for pair in corners.windows(2) {
            let [a, b] = pair else { continue };
            assert!(
                (a.0 - b.0).abs() < 0.1 || (a.1 - b.1).abs() < 0.1,
                "{} runs askew: {pair:?}",
                title(key)
            );
            for (name, (left, top, right, bottom)) in &tables {
                let beside = a.0.max(b.0) <= left + 0.1 || a.0.min(b.0) >= right - 0.1;
                let above_or_below = a.1.max(b.1) <= top + 0.1 || a.1.min(b.1) >= bottom - 0.1;
                assert!(beside || above_or_below, "{} runs through {name}: {pair:?}", title(key));
            }
        }
    }
}

#[test]
fn every_table_and_key_is_in_every_format() {
    for text in [CHINOOK, SAKILA, SHOP] {
        let schema = read(text);
        let svg = render::svg(&schema);
        let svg = Document::parse(&svg).expect("it is well formed");
        check_boxes(&svg);
        check_lines(&svg);
        let drawn: BTreeSet<_> = tables(&svg).into_iter().map(|(name, _)| name).collect();
        for table in &schema.tables {
            assert!(drawn.contains(&table.name.to_string()), "{} is not drawn", table.name);
        }
        let mut keys: Vec<_> = of_class(&svg, "key").into_iter().map(title).collect();
        let (dot, mermaid) = (render::dot(&schema), render::mermaid(&schema));
        for key in schema.foreign_keys() {
            let columns: Vec<_> = key.relation.columns.iter().map(ToString::to_string).collect();
            let start = format!(
                "{} ({}) references {} (",
                key.relation.table,
                columns.join(", "),
                key.relation.referenced_table
            );
            let found = keys
                .iter()
                .position(|title| title.starts_with(&start) && title.contains(&key.on_delete.to_string()));
            keys.remove(found.unwrap_or_else(|| panic!("{start} is not drawn")));
        }
        assert!(keys.is_empty(), "{keys:?} are drawn twice or not in the schema");
        let count = schema.foreign_keys().count();
        assert_eq!(dot.matches(" -> ").count(), count);
        assert_eq!(mermaid.matches("\" : \"").count(), count);
    }
}

#[test]
fn referenced_tables_stand_left() {
    let svg = render::svg(&read(CHINOOK));
    let svg = Document::parse(&svg).expect("it is well formed");
    let tables = tables(&svg);
    let left = |name: &str| tables.iter().find(|(known, _)| known == name).expect("it is drawn").1.0;
    for (referenced, referencing) in [
        ("artist", "album"),
        ("album", "track"),
        ("track", "playlist_track"),
        ("customer", "invoice"),
    ] {
        assert!(
            left(referenced) < left(referencing),
            "{referenced} is not left of {referencing}"
        );
    }
}

/// `table0` is referenced by `table1`, and so on, with some more keys that a formula makes.
fn large(tables: usize) -> Schema {
    let mut text = "backend postgres\n".to_owned();
    for index in 0..tables {
        text.push_str(&format!(
            "table table{index}\n  id: bigint, not null\n  other: bigint\n  primary key (id)\n"
        ));
        for referenced in [index.checked_sub(1), Some(index / 2), Some(index * 7 % 31)]
            .into_iter()
            .flatten()
        {
            text.push_str(&format!(
                "  foreign key (other) references table{referenced} (id), on delete cascade\n"
            ));
        }
    }
    read(&text)
}

#[test]
fn large_schemas_are_drawn_too() {
    for tables in [60, 500] {
        let schema = large(tables);
        let svg = render::svg(&schema);
        let svg = Document::parse(&svg).expect("it is well formed");
        assert_eq!(of_class(&svg, "table").len(), tables);
        assert_eq!(of_class(&svg, "key").len(), schema.foreign_keys().count());
        check_boxes(&svg);
        check_lines(&svg);
    }
}

/// Long edges make a layout slow, and a long chain makes a recursion deep.
#[test]
fn long_chains_are_drawn_too() {
    for skipping in [false, true] {
        let mut text = "backend postgres\n".to_owned();
        for index in 0..300_usize {
            text.push_str(&format!("table table{index}\n  id: bigint\n"));
            for referenced in index.checked_sub(1).into_iter().chain(skipping.then_some(0)) {
                text.push_str(&format!("  foreign key (id) references table{referenced} (id)\n"));
            }
        }
        let svg = render::svg(&read(&text));
        let svg = Document::parse(&svg).expect("it is well formed");
        assert_eq!(tables(&svg).len(), 300);
        check_lines(&svg);
    }
}

#[test]
fn an_empty_schema_is_an_empty_picture() {
    let schema = Schema::new(Backend::Sqlite);
    let svg = render::svg(&schema);
    assert!(Document::parse(&svg).is_ok());
    assert!(svg.contains("Schema: 0 tables, 0 foreign keys"));
    assert_eq!(render::mermaid(&schema), "erDiagram\n");
}

#[test]
fn a_self_reference_loops_back_to_its_table() {
    let svg = render::svg(&read(CHINOOK));
    let svg = Document::parse(&svg).expect("it is well formed");
    let key = of_class(&svg, "key")
        .into_iter()
        .find(|key| title(*key).starts_with("employee (reports_to)"));
    let corners = corners(key.expect("it is drawn"));
    let employee = tables(&svg)
        .into_iter()
        .find(|(name, _)| name == "employee")
        .expect("it is drawn")
        .1;
    assert!(
        (corners[0].0 - employee.2).abs() < 0.1,
        "it begins at the table's right side"
    );
    assert!(corners.iter().all(|(x, _)| *x >= employee.2 - 0.1), "and stays there");
}

#[test]
fn around_a_table() {
    let schema = read(CHINOOK);
    let names = |table: &str, steps| {
        let part = render::around(&schema, &TableName::new(table), steps)?;
        let names: Vec<_> = part.tables.iter().map(|table| table.name.to_string()).collect();
        Some(format!("{}; {} keys", names.join(" "), part.foreign_keys().count()))
    };
    assert_eq!(names("artist", 0).as_deref(), Some("artist; 0 keys"));
    assert_eq!(names("artist", 1).as_deref(), Some("album artist; 1 keys"));
    assert_eq!(names("artist", 2).as_deref(), Some("album artist track; 2 keys"));
    assert_eq!(names("employee", 1).as_deref(), Some("customer employee; 2 keys"));
    let everything =
        "album artist customer employee genre invoice invoice_line media_type playlist playlist_track track; 11 keys";
    assert_eq!(names("track", u32::MAX).as_deref(), Some(everything));
    assert_eq!(names("nothing", 1), None);
}

fn any_schema() -> impl Strategy<Value = Schema> {
    prop_oneof![
        schemas(Backend::Postgres),
        schemas(Backend::MySql),
        schemas(Backend::Sqlite)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_schema_has_a_picture(schema in any_schema()) {
        let svg = render::svg(&schema);
        let parsed = Document::parse(&svg).map_err(|error| TestCaseError::fail(format!("{error}: {svg}")))?;
        check_boxes(&parsed);
        check_lines(&parsed);
        prop_assert_eq!(of_class(&parsed, "key").len(), schema.foreign_keys().count());
        prop_assert!(of_class(&parsed, "table").len() >= schema.tables.len());
        prop_assert_eq!(&svg, &render::svg(&schema));
    }

    #[test]
    fn every_schema_is_json_and_back(schema in any_schema()) {
        let back: Schema = serde_json::from_str(&render::json(&schema)).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(back, schema);
    }

    /// The labels of Graphviz are XML; of Mermaid, what lies between quotes holds neither quotes nor percent signs nor backslashes.
    #[test]
    fn every_schema_is_escaped(schema in any_schema()) {
        let dot = render::dot(&schema);
        for label in dot.split("label=<").skip(1) {
            // Names hold no line breaks here, so only a node's label ends a line like this.
            let edge = label.lines().next().and_then(|line| line.split_once(">, tooltip=")).map(|(label, _)| label);
            let label = edge.or(label.split_once(">];\n").map(|(label, _)| label)).unwrap_or_default();
            prop_assert!(!label.is_empty());
            let label = format!("<label>{label}</label>");
            prop_assert!(Document::parse(&label).is_ok(), "{}", label);
        }
        let mermaid = render::mermaid(&schema);
        prop_assert!(mermaid.starts_with("erDiagram\n"));
        for line in mermaid.lines().skip(1) {
            prop_assert_eq!(line.matches('"').count() % 2, 0, "{}", line);
            prop_assert!(!line.contains(['%', '\\', '`']) && line.chars().all(|c| !c.is_control()), "{}", line);
        }
    }
}
