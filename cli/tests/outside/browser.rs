//! The page of a plan in a real browser.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sea_orm_cascade::{Entities, Store};
use sea_orm_migration::sea_orm::ConnectionTrait;

use crate::{Body, cascade};

pub(crate) const CASES: [(&str, Body); 2] = [
    ("a_plan_is_drawn_with_what_blocks_in_red", |browser| {
        drawn(browser, Scheme::Light)
    }),
    ("and_in_the_dark", |browser| drawn(browser, Scheme::Dark)),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Light,
    Dark,
}

const SCRIPT: &str = "
    CREATE TABLE users (id integer NOT NULL PRIMARY KEY);
    CREATE TABLE posts (id integer NOT NULL PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE CASCADE);
    CREATE TABLE invoices (id integer NOT NULL PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE RESTRICT);
    INSERT INTO users VALUES (1);
    INSERT INTO posts VALUES (1, 1), (2, 1), (3, 1);
    INSERT INTO invoices VALUES (5, 1), (9, 1);
";

/// Put into the page by this test only: says what is seen, as attributes of the root element.
const PROBE: &str = "<script>
    let refused = 0;
    document.addEventListener('securitypolicyviolation', () => refused++);
    addEventListener('load', () => {
        const say = (name, value) => document.documentElement.setAttribute('data-' + name, value);
        for (const table of document.querySelectorAll('svg .table')) {
            const name = table.querySelector('.name').textContent;
            const box = table.querySelector('rect');
            const { left, top, width, height } = box.getBoundingClientRect();
            // What a reader would point at there: nothing lies over it.
            const on_top = document.elementFromPoint(left + width / 2, top + 3);
            say(name + '-on-top', table.contains(on_top));
            say(name + '-border', getComputedStyle(box).stroke);
            say(name + '-fill', getComputedStyle(box).fill);
            say(name + '-text', [...table.querySelectorAll('text')].map(text => text.textContent).join('|'));
            const fits = [...table.querySelectorAll('text')].every(text => text.getBoundingClientRect().width <= width);
            say(name + '-fits', fits);
        }
        say('page', getComputedStyle(document.body).backgroundColor);
        say('statement-shown', document.querySelector('details pre').checkVisibility());
        document.querySelector('details').open = true;
        say('statement-unfolded', document.querySelector('details pre').checkVisibility());
        say('requests', performance.getEntriesByType('resource').length);
        say('refused', refused);
    });
</script>";

fn drawn(browser: &str, scheme: Scheme) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let html = page(directory.path())?;
    // The page as it is forbids scripts, and so this one; all else stays forbidden.
    let policy = "style-src 'unsafe-inline'";
    ensure!(html.contains(policy), "{html}");
    let probed = html
        .replacen(policy, &format!("{policy}; script-src 'unsafe-inline'"), 1)
        .replacen("</title>", &format!("</title>\n{PROBE}"), 1);
    std::fs::write(directory.path().join("probed.html"), probed)?;

    let dom = in_browser(browser, directory.path(), "plan.html", scheme)?;
    for needle in ["<details>", "BLOCKED by 2 rows", "id 5, 9", "delete 3"] {
        ensure!(dom.contains(needle), "{needle}: {dom}");
    }
    let dom = in_browser(browser, directory.path(), "probed.html", scheme)?;
    let root = dom
        .split_once("<html")
        .and_then(|(_, rest)| rest.split_once('>'))
        .context("it is a page")?
        .0;
    let seen = |name: &str| {
        let value = root
            .split_once(&format!("data-{name}=\""))
            .and_then(|(_, rest)| rest.split_once('"'));
        value
            .map(|(value, _)| value.to_owned())
            .with_context(|| format!("{name} is not seen in {root}"))
    };
    for table in ["users", "posts", "invoices"] {
        ensure!(seen(&format!("{table}-on-top"))? == "true", "{table} is covered");
        ensure!(
            seen(&format!("{table}-fits"))? == "true",
            "the text of {table} is wider than its box"
        );
        let red = is_red(&seen(&format!("{table}-border"))?);
        ensure!(red == (table == "invoices"), "{table}: {root}");
    }
    ensure!(seen("users-text")? == "users|delete 1", "{root}");
    ensure!(seen("posts-text")? == "posts|delete 3", "{root}");
    ensure!(seen("invoices-text")? == "invoices|BLOCKED by 2 rows|id 5, 9", "{root}");
    ensure!(
        seen("statement-shown")? == "false" && seen("statement-unfolded")? == "true",
        "{root}"
    );
    ensure!(seen("requests")? == "0" && seen("refused")? == "0", "{root}");
    let brightness: u32 = colour(&seen("page")?).iter().sum();
    ensure!((brightness < 200) == (scheme == Scheme::Dark), "{root}");
    Ok(())
}

/// A plan that is blocked, as a page.
fn page(directory: &Path) -> Result<String> {
    let url = format!("sqlite://{}?mode=rwc", directory.join("shop.db").display());
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let store = Store::connect(&url, Entities::new()).await?;
            store.connection().execute_unprepared(SCRIPT).await?;
            anyhow::Ok(store.close().await?)
        })?;
    let arguments = [
        "plan",
        "users",
        "--key",
        "1",
        "--format",
        "html",
        "--output",
        "plan.html",
    ];
    let output = cascade(directory, "sqlite://shop.db").args(arguments).output()?;
    ensure!(output.status.code() == Some(3), "{output:?}");
    Ok(std::fs::read_to_string(directory.join("plan.html"))?)
}

/// What the browser makes of the page.
fn in_browser(browser: &str, directory: &Path, page: &str, scheme: Scheme) -> Result<String> {
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ])
        .arg(format!("--user-data-dir={}", directory.join("profile").display()))
        .arg(format!(
            "--blink-settings=preferredColorScheme={}",
            u8::from(scheme == Scheme::Light)
        ))
        .arg("--dump-dom")
        .arg(format!("file://{}", directory.join(page).display()))
        .output()
        .context("the browser does not start")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// The parts of `rgb(185, 28, 28)`.
fn colour(text: &str) -> Vec<u32> {
    let numbers = text.split(|c: char| !c.is_ascii_digit());
    numbers.filter_map(|number| number.parse().ok()).collect()
}

fn is_red(text: &str) -> bool {
    matches!(colour(text).as_slice(), [red, green, blue] if *red > green + 80 && *red > blue + 80)
}
