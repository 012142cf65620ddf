//! Dependencies between the library's modules point one way.

use std::fs;
use std::path::{Path, PathBuf};

/// Lowest first. A module may use itself and those before it.
const LAYERS: [&[&str]; 11] = [
    &["name"],
    &["error"],
    &["backend"],
    &["lex", "observe", "schema"],
    &["connection", "graph", "overlay", "render"],
    &["ddl", "introspect"],
    &["sql"],
    &["diff", "orphans"],
    &["delete", "drift", "lint"],
    &["create", "migrate", "registry"],
    &["repository"],
];

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|layer| layer.contains(&module))
        .unwrap_or(LAYERS.len())
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn no_module_uses_one_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 25, "{} files", files.len());
    for file in files {
        let relative = file.strip_prefix(&src).expect("it is below src");
        let first = relative
            .components()
            .next()
            .expect("it has a name")
            .as_os_str()
            .to_string_lossy();
        let own = first.trim_end_matches(".rs");
        if own == "lib" {
            continue;
        }
        for line in fs::read_to_string(&file).expect("it can be read").lines() {
            // Documentation may point upwards.
            let code = line.split("//").next().unwrap_or_default();
            for used in code.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                assert!(
                    used == own || layer(&used) < layer(own),
                    "{}: {own} uses {used}, which is not below it: {line}",
                    relative.display()
                );
            }
        }
    }
}
