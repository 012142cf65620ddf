//! Within somebody else's transaction: SQLite takes part in it, the others refuse.

use anyhow::{Context, Result, ensure};
use sea_orm::sea_query::{ColumnDef, ForeignKey, ForeignKeyAction};
use sea_orm::{ConnectionTrait, DatabaseExecutor, TransactionTrait};
use sea_orm_cascade::migrate::Alteration;
use sea_orm_cascade::{Backend, Store};

use super::{everything, fresh, one_connection};
use crate::harness::{Db, cases, execute, number};

cases![as_a_migration_does_it, in_a_transaction_of_the_store_s];

fn added() -> Alteration {
    Alteration::new("posts").add_column(ColumnDef::new("views").integer().not_null().default(7))
}

/// SQLite builds the table anew for it.
fn rebuilt() -> Alteration {
    added()
        .change_column(ColumnDef::new("title").string_len(100).not_null())
        .change_foreign_key(
            ForeignKey::create()
                .from("posts", "editor_id")
                .to("users", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
}

async fn refuses(store: &Store, target: DatabaseExecutor<'_>, before: &[String]) -> Result<()> {
    let error = added().run(&target).await.err().context("accepted")?;
    let words = error.to_string();
    ensure!(
        words.starts_with("nothing was changed: ") && words.contains("use_transaction return Some(false)"),
        "{words}"
    );
    // The transaction lives on.
    target.execute_unprepared("INSERT INTO users VALUES (9, 'i')").await?;
    ensure!(everything(store).await? == before);
    Ok(())
}

async fn as_a_migration_does_it(db: Db) -> Result<()> {
    let store = one_connection(&db).await?;
    fresh(&store).await?;
    let looks = one_connection(&db).await?;
    let before = everything(&looks).await?;
    let pool = store.connection().as_pool().context("a pool")?;
    let transaction = pool.begin().await?;
    if db.backend != Backend::Sqlite {
        refuses(&looks, DatabaseExecutor::Transaction(&transaction), &before).await?;
        transaction.commit().await?;
        ensure!(number(&store, "SELECT COUNT(*) FROM users WHERE id = 9").await? == 1);
        return Ok(());
    }
    // Its fate is the transaction's.
    transaction
        .execute_unprepared("INSERT INTO users VALUES (9, 'i')")
        .await?;
    rebuilt().run(&DatabaseExecutor::Transaction(&transaction)).await?;
    transaction.rollback().await?;
    ensure!(everything(&looks).await? == before && number(&looks, "SELECT COUNT(*) FROM users").await? == 3);
    let transaction = pool.begin().await?;
    transaction
        .execute_unprepared("INSERT INTO users VALUES (9, 'i')")
        .await?;
    rebuilt().run(&DatabaseExecutor::Transaction(&transaction)).await?;
    // One that is refused takes nothing with it.
    let refused = Alteration::new("posts").add_unique(["body"]);
    let error = refused.run(&DatabaseExecutor::Transaction(&transaction)).await.err();
    ensure!(error.context("accepted")?.to_string().contains("is to be unique"));
    transaction.commit().await?;
    ensure!(number(&looks, "SELECT COUNT(*) FROM posts WHERE views = 7").await? == 4);
    ensure!(number(&looks, "SELECT COUNT(*) FROM users").await? == 4);
    // Enforcement is what it was, and is that of the new key.
    execute(&store, "DELETE FROM users WHERE id = 3").await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE id = 4").await? == 0);
    // What others reference cannot be built anew where keys are enforced: their rows would be deleted.
    let transaction = pool.begin().await?;
    let users = Alteration::new("users").change_column(ColumnDef::new("name").string_len(100).not_null());
    let error = users
        .clone()
        .run(&DatabaseExecutor::Transaction(&transaction))
        .await
        .err()
        .context("accepted")?;
    let words = error.to_string();
    ensure!(
        words.contains("users must be built anew") && words.contains("Some(false)"),
        "{words}"
    );
    transaction.commit().await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 3);
    users.run(pool).await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 3);
    Ok(())
}

async fn in_a_transaction_of_the_store_s(db: Db) -> Result<()> {
    let store = one_connection(&db).await?;
    fresh(&store).await?;
    let before = everything(&store).await?;
    let outcome = store
        .transaction(async |tx| {
            added().run(tx.connection()).await?;
            Ok::<_, sea_orm_cascade::Error>(())
        })
        .await;
    if db.backend == Backend::Sqlite {
        outcome?;
        ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE views = 7").await? == 4);
        return Ok(());
    }
    let words = outcome.err().context("accepted")?.to_string();
    ensure!(words.starts_with("nothing was changed: "), "{words}");
    ensure!(everything(&store).await? == before);
    Ok(())
}
