-- Two tables that reference each other, and themselves.
CREATE TABLE teams (id integer PRIMARY KEY AUTOINCREMENT, lead_id integer CONSTRAINT lead REFERENCES people ON DELETE SET DEFAULT DEFERRABLE);
CREATE TABLE people (
  id INTEGER NOT NULL CONSTRAINT people_key PRIMARY KEY,
  team_id int NOT NULL REFERENCES TEAMS (ID) ON DELETE CASCADE NOT DEFERRABLE INITIALLY DEFERRED,
  boss_id integer,
  FOREIGN KEY (boss_id) REFERENCES people (id) ON DELETE SET NULL ON UPDATE CASCADE MATCH FULL DEFERRABLE INITIALLY DEFERRED
);

-- A key of two columns to a bare unique index. A name of 70 characters is kept.
CREATE TABLE seats (place text, line integer NOT NULL, hall integer NOT NULL);
CREATE UNIQUE INDEX seats_by_line ON seats (line, place);
CREATE TABLE tickets_sold_and_given_away_and_returned_and_sold_again_and_thrown_awa (
  place text, line integer DEFAULT -1,
  CONSTRAINT seat_of_the_ticket_that_was_sold_and_given_away_and_returned_and_sold_ FOREIGN KEY (line, place) REFERENCES seats (line, place)
);

/* Everything that SQLite lets one write:
   CREATE TABLE no (id); */
CREATE TABLE [odd, (name)] ( -- a comment, with a comma ) and 'quotes
  `a b` /* between */ varchar ( 10 ) DEFAULT 'it''s, (so)' COLLATE NOCASE NOT NULL ON CONFLICT IGNORE,
  "check" DEFAULT (datetime('now')) CONSTRAINT odd_check CHECK ("check" > 0 AND (`a b` <> ')')),
  'string name' text COLLATE binary UNIQUE,
  [untyped],
  number decimal(10,2) DEFAULT +1.5e3 CHECK (number IN (1,
    2, -- two
    3)),
  flag boolean DEFAULT true,
  raw blob DEFAULT x'00ff',
  nix text DEFAULT NULL NOT NULL,
  "when" timestamp DEFAULT CURRENT_TIMESTAMP,
  stored int GENERATED ALWAYS AS (number * (2 + 1)) STORED,
  computed AS ("check" || ',') VIRTUAL,
  PRIMARY KEY ([untyped], `a b` COLLATE RTRIM DESC)
  CONSTRAINT pair UNIQUE (number, flag)
  CHECK ((flag) OR (raw)), UNIQUE (flag, number)
);
CREATE UNIQUE INDEX "odd index" ON [odd, (name)] (`a b` COLLATE BINARY DESC, lower("when") COLLATE NOCASE DESC, (number + 1), flag)
  WHERE flag -- really
    AND number > 3;
CREATE TABLE strict_one (id integer PRIMARY KEY, other any) STRICT;
CREATE TABLE without_one (a text, b text, PRIMARY KEY (b, a)) WITHOUT ROWID, STRICT;
CREATE TABLE not_a_rowid (id bigint PRIMARY KEY);
CREATE TABLE copied AS SELECT id, email FROM (SELECT 1 AS id, 'x' AS email);
CREATE TABLE added (id integer PRIMARY KEY);
ALTER TABLE added ADD COLUMN person_id integer REFERENCES people ON DELETE CASCADE;
ALTER TABLE added RENAME TO added_to;
-- Pairs of keys that only their order tells apart.
CREATE TABLE doubled (a integer CONSTRAINT first REFERENCES people CONSTRAINT second REFERENCES people DEFERRABLE INITIALLY DEFERRED);

-- What is left out.
CREATE VIEW everyone AS SELECT * FROM people;
CREATE TRIGGER watch AFTER INSERT ON people BEGIN SELECT 1; END;
CREATE VIRTUAL TABLE searched USING fts5(body);
CREATE TEMPORARY TABLE passing (id integer PRIMARY KEY);
