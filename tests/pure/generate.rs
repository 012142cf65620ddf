//! Migrations written from two schemas: what the ten of `tests/suite/generate` have not.

use sea_orm_cascade::Entities;
use sea_orm_cascade::diff::{DiffOptions, diff};
use sea_orm_cascade::migrate::{Generated, Hints, generate};
use sea_orm_cascade::schema::Schema;

mod desk {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "height")]
    pub(crate) enum Height {
        #[sea_orm(string_value = "low")]
        Low,
        #[sea_orm(string_value = "high")]
        High,
    }

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "desks")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) room: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) place: i32,
        pub(crate) height: Height,
        #[sea_orm(default_value = "it's \"oak\"")]
        pub(crate) made_of: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod person {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "people")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i32,
        #[sea_orm(column_type = "String(StringLen::N(40))")]
        pub(crate) name: String,
        #[sea_orm(unique_key = "badge")]
        pub(crate) country: String,
        #[sea_orm(unique_key = "badge")]
        pub(crate) badge: i32,
        pub(crate) room: Option<i32>,
        pub(crate) place: Option<i32>,
        #[sea_orm(
            belongs_to,
            from = "(room, place)",
            to = "(room, place)",
            on_delete = "SetNull",
            on_update = "Cascade"
        )]
        pub(crate) desk: HasOne<super::desk::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const LIVE: &str = "\
backend postgres

table badges
  id: bigint, not null, identity by default
  person_id: integer, not null
  primary key (id)
  index (person_id), as idx-badges-person_id
  foreign key (person_id) references people (id), on delete cascade, as fk-badges-person_id

table people
  id: integer, not null, identity by default
  name: character varying, not null
  country: character varying, not null
  badge: integer, not null
  boss_id: integer
  shoe: numeric(4,1), not null, default 39.5
  primary key (id)
  index (boss_id), as idx-people-boss_id
  index (lower(name)), as people_lower
  foreign key (boss_id) references people (id), on delete set null, as fk-people-boss_id
";

fn generated(hints: &Hints) -> Result<Generated, sea_orm_cascade::Error> {
    let entities = Entities::new().with(desk::Entity).with(person::Entity);
    let live = Schema::parse(LIVE)?.normalised();
    let wanted = Schema::from_entities(live.backend, &entities)?.normalised();
    let found = diff(&live, &wanted, &DiffOptions::new());
    Ok(generate(&live, &wanted, &found, &entities, hints)?.expect("there is something to do"))
}

#[test]
fn what_is_lost_is_commented_out_and_what_cannot_be_said_is_left_to_a_person() {
    let generated = generated(&Hints::new()).expect("it can be generated");
    insta::assert_snapshot!(generated.source);
    insta::assert_snapshot!(generated.notes.join("\n"));
}

#[test]
fn a_composite_key_is_filled_by_an_expression_for_each_column() {
    let one = Hints::new().backfill("people.room=1").expect("it can be read");
    let refused = generated(&one).expect_err("one is missing");
    assert!(refused.to_string().contains("give a backfill for each"), "{refused}");
    let both = one.backfill("people.place=id % 10").expect("it can be read");
    let source = generated(&both).expect("it can be generated").source;
    assert!(
        source.contains(".backfill(Backfill::sqls([\"1\", \"id % 10\"]))"),
        "{source}"
    );
}

#[test]
fn a_hint_that_fits_nothing_is_refused() {
    let hints = Hints::new().backfill("people.name=1").expect("it can be read");
    let refused = generated(&hints).expect_err("no key is on it");
    assert!(refused.to_string().contains("nothing to fill"), "{refused}");
}
