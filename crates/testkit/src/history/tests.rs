//! The checker finds each kind of broken promise, and nothing in a correct history.

use super::*;

fn parse(lines: &str) -> Vec<Event> {
    lines.lines().map(|line| serde_json::from_str(line.trim()).expect(line)).collect()
}

/// Ten records of two clients in one partition, all acknowledged and read, with commits.
fn correct() -> Vec<Event> {
    let mut history = Vec::new();
    for id in 0..10_u64 {
        let client = format!("c{}", id % 2);
        let (partition, offset) = (0, id as i64);
        history.push(Event::Sent { client: client.clone(), partition, id });
        history.push(Event::Acked { client: client.clone(), partition, id, offset });
        history.push(Event::Read { partition, offset, client: client.clone(), id, last: false });
        history.push(Event::Read { partition, offset, client, id, last: true });
    }
    history.extend(parse(
        r#"{"event":"committed","group":"g","partition":0,"offset":4}
           {"event":"resumed","group":"g","partition":0,"offset":4}
           {"event":"committed","group":"g","partition":0,"offset":9}
           {"event":"resumed","group":"g","partition":0,"offset":10}"#,
    ));
    history
}

fn violations(history: Vec<Event>) -> Vec<String> {
    check(&[history]).1.into_iter().map(|v| v.to_string()).collect()
}

#[test]
fn a_correct_history_has_no_violation() {
    let (totals, found) = check(&[correct()]);
    assert_eq!(found, []);
    assert_eq!(totals, Totals { sent: 10, acked: 10, present: 10, commits: 2 });
}

#[test]
fn an_unacknowledged_record_may_be_there_or_not() {
    let mut history = correct();
    history.extend(parse(r#"{"event":"sent","client":"c0","partition":0,"id":10}"#));
    assert_eq!(violations(history.clone()), [""; 0]);
    history.extend(parse(
        r#"{"event":"read","partition":0,"offset":10,"client":"c0","id":10,"last":true}"#,
    ));
    assert_eq!(violations(history), [""; 0]);
}

#[test]
fn a_lost_record_is_found() {
    let mut history = correct();
    history.retain(|e| !matches!(e, Event::Read { offset: 9, .. }));
    assert_eq!(
        violations(history),
        ["lost: c1 was acknowledged record 9 at 0:9, and it is not there"]
    );
}

#[test]
fn a_changed_value_is_found() {
    let mut history = correct();
    history.extend(parse(r#"{"event":"read","partition":0,"offset":3,"client":"c0","id":2}"#));
    assert_eq!(violations(history), ["changed: 0:3 was record 3 of c1, and then record 2 of c0"]);
}

#[test]
fn a_gap_is_found() {
    let mut history = correct();
    history
        .retain(|e| !matches!(e, Event::Read { offset: 4, .. } | Event::Acked { offset: 4, .. }));
    assert_eq!(violations(history), ["gap: partition 0 has no record at offset 4, but later ones"]);
}

#[test]
fn a_duplicate_is_found() {
    let mut history = correct();
    history.extend(parse(
        r#"{"event":"read","partition":0,"offset":10,"client":"c1","id":9,"last":true}"#,
    ));
    assert_eq!(
        violations(history),
        ["duplicated: record 9 of c1 stands in partition 0 at [9, 10]"]
    );
}

#[test]
fn a_wrong_order_is_found() {
    let mut history = correct();
    history.extend(parse(
        r#"{"event":"sent","client":"c0","partition":0,"id":7}
           {"event":"read","partition":0,"offset":10,"client":"c0","id":7,"last":true}"#,
    ));
    assert_eq!(violations(history), ["reordered: in partition 0 record 8 of c0 stands before 7"]);
}

#[test]
fn an_invented_record_is_found() {
    let mut history = correct();
    history.extend(parse(
        r#"{"event":"read","partition":0,"offset":10,"client":"c9","id":1,"last":true}"#,
    ));
    assert_eq!(violations(history), ["invented: 0:10 is record 1 of c9, which was never sent"]);
}

#[test]
fn a_commit_that_went_back_is_found() {
    let mut history = correct();
    history.extend(parse(r#"{"event":"resumed","group":"g","partition":0,"offset":4}"#));
    let expected = "commit went back: g had committed 9 in partition 0, then 4 was found";
    assert_eq!(violations(history), [expected]);
}

#[test]
fn a_retry_that_gets_another_offset_is_found() {
    let mut history = correct();
    history.extend(parse(r#"{"event":"acked","client":"c1","partition":0,"id":9,"offset":12}"#));
    let expected = "acknowledged twice: record 9 of c1 in partition 0 at 9, and then at 12";
    assert_eq!(violations(history), [expected]);
}

#[test]
fn a_refused_record_is_found() {
    let mut history = correct();
    history.extend(parse(
        r#"{"event":"refused","client":"c1","partition":0,"id":11,"error":"out of order"}"#,
    ));
    let expected =
        "refused: record 11 of c1 in partition 0, whose producer was in order: out of order";
    assert_eq!(violations(history), [expected]);
}

#[test]
fn an_older_response_is_found_only_if_it_was_requested_later() {
    let bounds = r#"{"event":"bounds","call":1,"partition":0,"log_start":0,"high_watermark":9}"#;
    let mut asked_before = parse(r#"{"event":"asked","call":1}"#);
    asked_before.extend(correct());
    asked_before.extend(parse(bounds));
    assert_eq!(violations(asked_before), [""; 0]);
    let mut asked_after = correct();
    asked_after.extend(parse(r#"{"event":"asked","call":1}"#));
    asked_after.extend(parse(bounds));
    let expected =
        "went back: the high watermark of partition 0 was 10 when asked for, and 9 was answered";
    assert_eq!(violations(asked_after), [expected]);
}

#[test]
fn a_lost_commit_that_another_client_saw_is_found() {
    let mut history = correct();
    history.extend(parse(
        r#"{"event":"asked","call":1}
           {"event":"resumed","group":"g","partition":0,"offset":11,"call":1}
           {"event":"asked","call":2}
           {"event":"resumed","group":"g","partition":0,"offset":10,"call":2}"#,
    ));
    assert_eq!(
        violations(history),
        ["commit went back: g had committed 11 in partition 0, then 10 was found"]
    );
}

#[test]
fn records_below_the_log_start_may_be_gone_and_no_others() {
    let mut history = correct();
    history.retain(|e| !matches!(e, Event::Read { offset: 0 | 1, last: true, .. }));
    history.extend(parse(
        r#"{"event":"asked","call":1}
           {"event":"bounds","call":1,"partition":0,"log_start":1,"high_watermark":10}"#,
    ));
    let lost = "lost: c1 was acknowledged record 1 at 0:1, and it is not there";
    let vanished = "vanished: 0:1 was read as record 1 of c1, and is not there at the end";
    assert_eq!(violations(history), [lost, vanished]);
}

#[test]
fn nothing_is_promised_of_a_partition_that_has_ended() {
    let mut history = correct();
    history.retain(|e| !matches!(e, Event::Read { offset: 8 | 9, .. }));
    history.extend(parse(
        r#"{"event":"ended","partition":0}
           {"event":"resumed","group":"g","partition":0,"offset":-1}
           {"event":"acked","client":"c0","partition":0,"id":0,"offset":7}"#,
    ));
    assert_eq!(violations(history.clone()), [""; 0]);
    history.retain(|e| !matches!(e, Event::Ended { .. }));
    assert_eq!(violations(history).len(), 4);
}

#[test]
fn what_was_wrong_before_a_partition_ended_is_found() {
    let mut history = correct();
    history.extend(parse(
        r#"{"event":"resumed","group":"g","partition":0,"offset":3}
           {"event":"ended","partition":0}"#,
    ));
    assert_eq!(violations(history).len(), 1);
}
