//! What the guide shows is what is there.

use std::fs;
use std::path::Path;

#[test]
fn the_generated_migration_is_the_one_that_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).expect("it can be read");
    let generated = read("tests/suite/generate/migrations/m02_books_have_an_author.rs");
    assert!(
        read("docs/migrations.md").contains(&format!("```rust\n{generated}```\n")),
        "docs/migrations.md shows another migration than\n{generated}"
    );
}
