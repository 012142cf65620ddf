"""SQLAlchemy and Django at W1 and W4, with ON DELETE CASCADE in the database: what their ORMs do unless told otherwise.

Writes its results as JSON in the form of the Rust program, which puts them on the page.
"""

import json
import os
import random
import statistics
import sys
import tempfile
import time
from urllib.parse import urlsplit

import django
import pymysql
import sqlalchemy
from django.conf import settings
from sqlalchemy import ForeignKey, create_engine, event, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

pymysql.version_info = (2, 2, 1, "final", 0)
pymysql.install_as_MySQLdb()

ROUNDS = 1
WORKLOADS = {"W1": (1, 1, 10_000), "W4": (50, 50, 3)}
SCALE = {"W1": 1, "W4": 20}  # the Rust program deletes 1,000 users in W4


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    posts: Mapped[list["Post"]] = relationship(cascade="all, delete-orphan")


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str]
    content: Mapped[str]
    comments: Mapped[list["Comment"]] = relationship(cascade="all, delete-orphan")


class Comment(Base):
    __tablename__ = "comments"
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    body: Mapped[str]


def tables(kind):
    key = "integer" if kind == "sqlite" else "bigint"
    return [
        "DROP TABLE IF EXISTS comments",
        "DROP TABLE IF EXISTS posts",
        "DROP TABLE IF EXISTS users",
        f"CREATE TABLE users (id {key} NOT NULL PRIMARY KEY, email varchar(100) NOT NULL UNIQUE)",
        f"CREATE TABLE posts (id {key} NOT NULL PRIMARY KEY, user_id {key} NOT NULL, title varchar(200) NOT NULL, content text NOT NULL, "
        "FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE)",
        "CREATE INDEX posts_user_id ON posts (user_id)",
        f"CREATE TABLE comments (id {key} NOT NULL PRIMARY KEY, post_id {key} NOT NULL, body text NOT NULL, FOREIGN KEY (post_id) REFERENCES "
        "posts (id) ON DELETE CASCADE)",
        "CREATE INDEX comments_post_id ON comments (post_id)",
    ]


def fill(engine, kind, roots, staying, posts):
    rows = [
        {"id": i + 1, "user": i // posts + 1, "title": "a title", "content": "some words " * 9}
        for i in range((roots + staying) * posts)
    ]
    with engine.begin() as connection:
        for statement in tables(kind):
            connection.execute(text(statement))
        users = [{"id": i, "email": f"{i}@example.com"} for i in range(1, roots + staying + 1)]
        connection.execute(text("INSERT INTO users (id, email) VALUES (:id, :email)"), users)
        connection.execute(text("INSERT INTO posts (id, user_id, title, content) VALUES (:id, :user, :title, :content)"), rows)


def by_sqlalchemy(engine, keys):
    for key in keys:
        with Session(engine) as session:
            session.delete(session.get(User, key))
            session.commit()


def by_django(engine, keys):
    from django_models import DjangoUser

    for key in keys:
        DjangoUser.objects.get(pk=key).delete()


def configure(kind, url):
    names = {"postgresql": "postgresql", "mysql": "mysql", "sqlite": "sqlite3"}
    database = {"ENGINE": f"django.db.backends.{names[kind]}", "NAME": url.path.lstrip("/") if kind != "sqlite" else url.path}
    if kind != "sqlite":
        database |= {"HOST": url.hostname, "PORT": url.port or "", "USER": url.username or "", "PASSWORD": url.password or ""}
    settings.configure(DATABASES={"default": database}, INSTALLED_APPS=[], DEFAULT_AUTO_FIELD="django.db.models.BigAutoField")
    django.setup()
    module = type(sys)("django_models")
    sys.modules["django_models"] = module
    exec(
        """
from django.db import models
class DjangoUser(models.Model):
    email = models.TextField()
    class Meta: app_label, db_table = "peers", "users"
class DjangoPost(models.Model):
    user = models.ForeignKey(DjangoUser, models.CASCADE)
    title, content = models.TextField(), models.TextField()
    class Meta: app_label, db_table = "peers", "posts"
class DjangoComment(models.Model):
    post = models.ForeignKey(DjangoPost, models.CASCADE)
    body = models.TextField()
    class Meta: app_label, db_table = "peers", "comments"
""",
        module.__dict__,
    )


def measure(url):
    """One engine, in a process of its own: Django is configured once."""
    kind = {"postgres": "postgresql", "mysql": "mysql", "sqlite": "sqlite"}[url.split(":")[0]]
    name = {"postgresql": "PostgreSQL", "mysql": "MariaDB", "sqlite": "SQLite"}[kind]
    directory = tempfile.TemporaryDirectory()
    if kind == "sqlite":
        url = f"sqlite://{directory.name}/peers.db"
    parts = urlsplit(url)
    driver = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite"}[kind]
    place = f"{parts.netloc}{parts.path}" if kind != "sqlite" else f"/{parts.path}"
    own = "cascade_peers"
    if kind != "sqlite":
        admin = create_engine(f"{driver}://{place}", isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {own}"))
            connection.execute(text(f"CREATE DATABASE {own}"))
        parts = parts._replace(path=f"/{own}")
        place = f"{parts.netloc}/{own}"
    engine = create_engine(f"{driver}://{place}")
    if kind == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
    configure(kind, parts)
    from django.db import connection as django_connection

    entries = []
    for workload, (roots, staying, posts) in WORKLOADS.items():
        times = {"SQLAlchemy": [], "Django": []}
        for _ in range(ROUNDS):
            contenders = [("SQLAlchemy", by_sqlalchemy), ("Django", by_django)]
            random.shuffle(contenders)
            for contender, run in contenders:
                django_connection.close()
                fill(engine, kind, roots, staying, posts)
                started = time.perf_counter()
                run(engine, range(1, roots + 1))
                times[contender].append((time.perf_counter() - started) * 1000 * SCALE[workload])
                django_connection.close()
                with engine.connect() as connection:
                    left = connection.execute(text("SELECT COUNT(*) FROM posts")).scalar()
                assert left == staying * posts, (contender, left)
        for contender, took in times.items():
            entries.append(
                {"engine": name, "workload": workload, "constraints": "c", "contender": contender, "milliseconds": [statistics.median(took)], "statements": None}
            )
    engine.dispose()
    if kind != "sqlite":
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {own}"))
    return entries


def main():
    import multiprocessing

    urls = os.environ["BENCH_DATABASES_URL"].split(",")
    entries = []
    for url in urls:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            entries += pool.apply(measure, (url,))
    versions = {"SQLAlchemy": sqlalchemy.__version__, "Django": django.get_version()}
    with open(sys.argv[1], "w") as file:
        json.dump({"versions": versions, "entries": entries, "growth": []}, file)


if __name__ == "__main__":
    main()
