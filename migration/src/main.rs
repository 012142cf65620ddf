//! SeaORM's migrate commands for the tutorial's migrations, and the schema commands for its entities:
//! `cargo run -p migration -- up|down|status|fresh|…|schema create|diff|check|sql`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    cascade_cli::migration::main::<migration::Migrator>(entity::entities()).await
}
