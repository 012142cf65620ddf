CREATE TABLE teams (id bigint AUTO_INCREMENT PRIMARY KEY, lead_id bigint) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
CREATE TABLE people (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  team_id bigint NOT NULL,
  boss_id bigint,
  CONSTRAINT the_team FOREIGN KEY (team_id) REFERENCES teams (id) ON DELETE CASCADE,
  CONSTRAINT the_boss FOREIGN KEY (boss_id) REFERENCES people (id) ON DELETE SET NULL ON UPDATE CASCADE
);
ALTER TABLE teams ADD CONSTRAINT the_lead FOREIGN KEY (lead_id) REFERENCES people (id) ON DELETE RESTRICT;
CREATE TABLE seats (place varchar(10), line int NOT NULL, hall int NOT NULL);
CREATE UNIQUE INDEX seats_by_line ON seats (line, place);
CREATE TABLE tickets_sold (
  place varchar(10), line int DEFAULT -1,
  CONSTRAINT seat_that_was_sold_and_given_away_and_returned_and_sold_again_it FOREIGN KEY (line, place) REFERENCES seats (line, place)
);
CREATE TABLE odd (
  id int UNSIGNED AUTO_INCREMENT,
  `a,``b` varchar(10) NOT NULL DEFAULT 'it''s \\ so',
  text_default varchar(10) DEFAULT 'NULL',
  none varchar(10) DEFAULT NULL,
  sum int DEFAULT (1 + 2),
  token char(36) DEFAULT uuid(),
  changed timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  state enum('open','it''s, paid') NOT NULL DEFAULT 'open',
  price decimal(10,2) UNSIGNED DEFAULT 1.5,
  document json DEFAULT (json_object()),
  strict_text varchar(20) COLLATE utf8mb4_bin,
  latin varchar(20) CHARACTER SET latin1,
  stored int AS (`sum` * 2) STORED,
  virtual_one varchar(20) AS (concat(`a,``b`, ',')) VIRTUAL,
  hidden int INVISIBLE,
  place geometry NOT NULL,
  body text,
  positive int CHECK (`positive` > 0),
  PRIMARY KEY (id),
  UNIQUE un (`sum`, price),
  UNIQUE (token),
  UNIQUE beginning (body(20)),
  KEY beginnings (strict_text(3) DESC, `sum`),
  FULLTEXT KEY words (body),
  SPATIAL KEY places (place),
  CONSTRAINT sensible CHECK (`sum` < 10 OR state = 'open')
) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
CREATE TABLE small (id int PRIMARY KEY) ENGINE = MyISAM;
CREATE SEQUENCE tickets START WITH 5 INCREMENT BY 2 MAXVALUE 99 CACHE 4 CYCLE;
CREATE SEQUENCE plain;
CREATE SEQUENCE countdown INCREMENT BY -1;
CREATE VIEW everyone AS SELECT * FROM people;
CREATE TRIGGER watch AFTER INSERT ON people FOR EACH ROW SET @a = 1;
