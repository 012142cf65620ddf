//! [`File`]: the migration's file in the making.

use super::rust::{Chain, commented, remark, spaces};

/// The depth of a statement in `up` and `down`.
const BODY: usize = 8;

/// A statement with what is said above it.
#[derive(Debug, Clone)]
pub(super) struct Block {
    remarks: Vec<String>,
    code: Code,
}

#[derive(Debug, Clone)]
enum Code {
    None,
    Statement(Chain),
    /// Where this holds.
    If(String, Chain),
    /// For a person to uncomment.
    Commented(Chain),
}

impl Block {
    pub(super) const fn new(statement: Chain) -> Self {
        Self::of(Code::Statement(statement))
    }

    pub(super) fn only_if(condition: impl Into<String>, statement: Chain) -> Self {
        Self::of(Code::If(condition.into(), statement))
    }

    /// On one engine, which sea-orm calls so.
    pub(super) fn on(engine: &str, statement: Chain) -> Self {
        let condition = format!("manager.get_database_backend() == sea_orm::DbBackend::{engine}");
        Self::only_if(condition, statement)
    }

    pub(super) fn on_postgres(statement: Chain) -> Self {
        Self::on("Postgres", statement)
    }

    pub(super) const fn commented(statement: Chain) -> Self {
        Self::of(Code::Commented(statement))
    }

    pub(super) const fn remark_alone() -> Self {
        Self::of(Code::None)
    }

    const fn of(code: Code) -> Self {
        Self {
            remarks: Vec::new(),
            code,
        }
    }

    pub(super) fn remark(mut self, text: impl Into<String>) -> Self {
        self.remarks.push(text.into());
        self
    }

    fn text(&self) -> String {
        let mut text: String = self.remarks.iter().map(|text| remark(text, BODY)).collect();
        match &self.code {
            Code::None => {}
            Code::Statement(chain) => text.push_str(&chain.statement(BODY)),
            Code::If(condition, chain) => {
                let margin = spaces(BODY);
                text.push_str(&format!(
                    "{margin}if {condition} {{\n{}{margin}}}\n",
                    chain.statement(BODY + 4)
                ));
            }
            Code::Commented(chain) => text.push_str(&commented(&chain.statement(BODY), BODY)),
        }
        text
    }
}

/// A function that both directions call.
struct Function {
    name: String,
    says: String,
    returns: &'static str,
    value: Chain,
}

/// The file.
#[derive(Default)]
pub(super) struct File {
    up: Vec<Block>,
    down: Vec<Block>,
    functions: Vec<Function>,
    pub(super) notes: Vec<String>,
}

impl File {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A step, and what takes it back. `down` runs backwards through them.
    pub(super) fn step(&mut self, up: Block, down: Block) {
        self.up.push(up);
        self.down.push(down);
    }

    /// Where the next step comes, up and down.
    pub(super) const fn mark(&self) -> (usize, usize) {
        (self.up.len(), self.down.len())
    }

    /// A step where a mark was made.
    pub(super) fn step_at(&mut self, mark: (usize, usize), up: Block, down: Block) {
        self.up.insert(mark.0.min(self.up.len()), up);
        self.down.insert(mark.1.min(self.down.len()), down);
    }

    /// A step that goes with another.
    pub(super) fn step_up(&mut self, up: Block) {
        self.up.push(up);
    }

    pub(super) fn both(&mut self, up: Chain, down: Chain) {
        self.step(Block::new(up), Block::new(down));
    }

    /// Its name is the given one, with a number behind it if another function has that.
    pub(super) fn function(&mut self, name: &str, says: String, returns: &'static str, value: Chain) -> String {
        let numbered = (2usize..).map(|number| format!("{name}_{number}"));
        let is_free = |name: &String| !self.functions.iter().any(|known| known.name == *name);
        let name = std::iter::once(name.to_owned()).chain(numbered).find(is_free);
        let name = name.unwrap_or_default();
        self.functions.push(Function {
            name: name.clone(),
            says,
            returns,
            value,
        });
        name
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(super) fn source(&self) -> String {
        let up: Vec<_> = self.up.iter().map(Block::text).collect();
        let down: Vec<_> = self.down.iter().rev().map(Block::text).collect();
        let (up, down) = (up.concat(), down.concat());
        let functions: String = self.functions.iter().map(Function::text).collect();
        let code = [up.as_str(), &down, &functions].concat();
        let no_transaction = match code.contains("Alteration::new(") || !self.functions.is_empty() {
            false => "",
            true => {
                "    /// Its steps are transactions of their own.
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }

"
            }
        };
        format!(
            "{imports}
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {{
{no_transaction}    async fn up(&self, {up_manager}: &SchemaManager) -> Result<(), DbErr> {{
{up}        Ok(())
    }}

    async fn down(&self, {down_manager}: &SchemaManager) -> Result<(), DbErr> {{
{down}        Ok(())
    }}
}}
{functions}",
            imports = imports(&code),
            up_manager = manager(&up),
            down_manager = manager(&down),
        )
    }
}

/// An argument that no code uses begins with an underscore.
fn manager(body: &str) -> &'static str {
    match uncommented(body).any(|line| line.contains("manager")) {
        true => "manager",
        false => "_manager",
    }
}

fn uncommented(code: &str) -> impl Iterator<Item = &str> {
    code.lines().filter(|line| !line.trim_start().starts_with("//"))
}

fn imports(code: &str) -> String {
    let uses = |word: &str| uncommented(code).any(|line| line.contains(word));
    let mut imports = String::new();
    if uses("Action::") && uncommented(code).any(|line| line.contains("(Action::")) {
        imports.push_str("use sea_orm_cascade::Action;\n");
    }
    let names: Vec<_> = [
        ("Alteration", "Alteration::new("),
        ("Backfill", "Backfill::"),
        ("RequiredForeignKey", "RequiredForeignKey::new("),
        ("Revert", "Revert::"),
        ("needs_type", "needs_type("),
    ]
    .into_iter()
    .filter(|(_, word)| uses(word))
    .map(|(name, _)| name)
    .collect();
    match names.as_slice() {
        [] => {}
        [one] => imports.push_str(&format!("use sea_orm_cascade::migrate::{one};\n")),
        several => imports.push_str(&format!("use sea_orm_cascade::migrate::{{{}}};\n", several.join(", "))),
    }
    if ["Type::create()", "Type::alter()", "Type::drop()"]
        .iter()
        .any(|word| uses(word))
    {
        imports.push_str("use sea_orm_migration::prelude::extension::postgres::Type;\n");
    }
    imports.push_str("use sea_orm_migration::prelude::*;\n");
    imports
}

impl Function {
    fn text(&self) -> String {
        let said: String = remark(&self.says, 1)
            .lines()
            .map(|line| format!("/{}\n", line.trim_start()))
            .collect();
        let body = self.value.statement(4).replace(";\n", "\n");
        format!("\n{said}fn {}() -> {} {{\n{body}}}\n", self.name, self.returns)
    }
}
