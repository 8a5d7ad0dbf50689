//! `docs/compatibility.md` is up to date.

#[path = "../../gen/compatibility.rs"]
mod page;

#[test]
fn the_page_of_compatibility_is_current() {
    let committed = page::committed();
    assert!(
        committed == page::page(&committed),
        "docs/compatibility.md is stale; run `cargo run -p milena-broker --example compatibility` \
         and commit the result"
    );
}
