//! Plans, which need no database, and how they are shown.

use std::sync::Arc;

use sea_orm_cascade::delete::{self, Counting, DeleteOptions, Enforce, Plan, RawCondition, Relations, Roots};
use sea_orm_cascade::schema::Schema;

const CHINOOK: &str = include_str!("fixtures/chinook.txt");
const SAKILA: &str = include_str!("fixtures/sakila.txt");

fn relations(text: &str) -> Arc<Relations> {
    Arc::new(Relations::new(Schema::parse(text).expect("the schema is well formed")))
}

fn plan(text: &str, roots: &Roots, options: &DeleteOptions) -> Plan {
    delete::plan(&relations(text), roots, options).expect("it can be planned")
}

fn text(text: &str, roots: &Roots) -> String {
    plan(text, roots, &DeleteOptions::new()).to_string()
}

#[test]
fn a_plan_is_a_tree_without_counts() {
    insta::assert_snapshot!(text(CHINOOK, &Roots::written("artist", ["1"])), @"
    artist                         delete by 1 key
    └─ album.artist_id  no action  may block
    warning: no index begins with album.artist_id: every row of album is read
    ");
    insta::assert_snapshot!(text(CHINOOK, &Roots::written("employee", ["1", "2"])), @"
    employee                               delete by 2 keys
    ├─ customer.support_rep_id  no action  may block
    └─ employee.reports_to      no action  may block
    warning: no index begins with customer.support_rep_id: every row of customer is read
    warning: no index begins with employee.reports_to: every row of employee is read
    ");
    insta::assert_snapshot!(text(SAKILA, &Roots::matching("film", RawCondition::new("length > 180"))), @"
    film                                delete by a condition
    ├─ film_actor.film_id     restrict  may block
    ├─ film_category.film_id  restrict  may block
    └─ inventory.film_id      restrict  may block
    warning: no index begins with film_actor.film_id: every row of film_actor is read
    warning: no index begins with inventory.film_id: every row of inventory is read
    ");
}

/// What is left to the database says so.
#[test]
fn a_plan_says_who_does_it() {
    let shop = "\
backend postgres
table users
  id: bigint, not null
  primary key (id)
table posts
  id: bigint, not null
  user_id: bigint, not null
  primary key (id)
  index (user_id), as by_user
  foreign key (user_id) references users (id), on delete cascade
table images
  id: bigint, not null
  post_id: bigint
  primary key (id)
  foreign key (post_id) references posts (id), on delete set null
";
    let options = DeleteOptions::new()
        .counting(Counting::Declined)
        .enforce_key("images.post_id", Enforce::Application);
    insta::assert_snapshot!(plan(shop, &Roots::written("users", ["1"]), &options), @"
    users                                       delete by 1 key
    └─ posts.user_id      cascade, by database  delete
       └─ images.post_id  set null              null
    warning: no index begins with images.post_id: every row of images is read
    ");
    insta::assert_snapshot!(plan(shop, &Roots::written("users", ["1"]), &options).to_mermaid(), @r#"
    flowchart LR
      t0["users"]
      t1["posts"]
      t2["images"]
      t0 -->|"user_id: cascade, by database"| t1
      t1 -.->|"post_id: set null"| t2
    "#);
}

/// Tables from 0, each but the first with a key that cascades to the one the function names.
fn tables(count: usize, referenced: fn(usize) -> usize) -> String {
    let mut text = "backend sqlite\n".to_owned();
    for index in 0..count {
        text.push_str(&format!(
            "table t{index}\n  id: integer, not null\n  primary key (id)\n"
        ));
        if index > 0 {
            let to = referenced(index);
            text.push_str(&format!(
                "  foreign key (id) references t{to} (id), on delete cascade\n"
            ));
        }
    }
    text
}

/// A chain deeper than a thread's stack would be, and a bush.
#[test]
fn plans_of_thousands_of_tables_are_shown() {
    let roots = Roots::written("t0", ["1"]);
    let chain = plan(&tables(2_000, |index| index - 1), &roots, &DeleteOptions::new());
    let text = chain.to_string();
    assert_eq!(text.lines().count(), 2_000);
    assert!(text.lines().last().is_some_and(|line| line.contains("└─ t1999.id")));
    assert_eq!(chain.to_mermaid().matches("-->").count(), 1_999);

    let bush = plan(&tables(500, |index| index / 3), &roots, &DeleteOptions::new());
    assert_eq!(bush.to_string().lines().count(), 500);
    assert_eq!(bush.to_html().matches("<g class=\"table").count(), 500);
}
