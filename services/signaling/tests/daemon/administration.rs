//! What the box's manager asks of rooms, over the bus.

use crate::client::Client;
use crate::house::House;
use plenum_protocol::http::Meeting;
use plenum_protocol::signaling::{RoomError, Signaling1Proxy};
use serde_json::json;
use zbus::proxy::CacheProperties;

async fn manager(house: &House) -> Signaling1Proxy<'static> {
    let builder = zbus::connection::Builder::address(house.bus_address.as_str());
    let bus = builder.build().await.expect("the bus");
    let signaling =
        Signaling1Proxy::builder(&bus).cache_properties(CacheProperties::No).build().await.unwrap();
    let mut owner = signaling.inner().receive_owner_changed().await.unwrap();
    // The daemon serves before it has its name.
    if signaling.find_rooms("", false, (0, 0), 1).await.is_err() {
        futures_util::StreamExt::next(&mut owner).await;
    }
    signaling
}

async fn links(signaling: &Signaling1Proxy<'static>, title: &str) -> (u64, Meeting) {
    let (room, host_link, guest_link) = signaling.create_room(title).await.unwrap();
    (room, Meeting { title: title.to_owned(), host_link, guest_link })
}

#[tokio::test]
async fn rooms_are_made_listed_ended_and_deleted_over_the_bus() {
    let mut house = House::start().await;
    let signaling = manager(&house).await;
    let (room, meeting) = links(&signaling, "Board").await;
    links(&signaling, "Other").await;
    let mut anna = Client::join(&house, &meeting.host_link, "CanaryHost").await;
    let (found, count, more) = signaling.find_rooms("boa", false, (0, 0), 50).await.unwrap();
    let [board] = &found[..] else { panic!("{found:?}") };
    assert!(board.room == room && board.running && (board.people, count, more) == (1, 1, false), "{board:?}");
    let told = format!("{board:?}");
    assert!(!told.contains("CanaryHost") && !told.contains(&meeting.guest_link), "{told}");

    signaling.replace_guest_link(room).await.unwrap();
    let ask = async |house: &House, link: &str| house.post("/api/link", &json!({ "link": link })).await.0;
    assert_eq!(ask(&house, &meeting.guest_link).await, 404, "the old link");
    assert_eq!(signaling.end_meeting(room).await.unwrap(), 1);
    anna.close_code().await;
    assert_eq!(ask(&house, &meeting.host_link).await, 410);
    let nobody = signaling.end_meeting(room).await;
    assert!(matches!(nobody, Err(RoomError::NoMeeting(_))), "{nobody:?}");
    assert_eq!(signaling.delete_room(room).await.unwrap(), 0);
    let unknown = signaling.delete_room(room).await;
    assert!(matches!(unknown, Err(RoomError::UnknownRoom(_))), "{unknown:?}");
    let wrong = signaling.create_room("a\nb").await;
    assert!(matches!(wrong, Err(RoomError::InvalidTitle(_))), "{wrong:?}");

    let other = signaling.find_rooms("", false, (0, 0), 50).await.unwrap().0;
    house.kill_daemon();
    house.start_daemon().await;
    let signaling = manager(&house).await;
    let (found, _, _) = signaling.find_rooms("", false, (0, 0), 50).await.unwrap();
    assert_eq!(found.len(), 1, "what was deleted stays deleted: {found:?}");
    assert!(found[0].created <= other[0].used && found[0].title == "Other", "{found:?}");
    for secret in ["Board", &meeting.host_link, &meeting.guest_link] {
        assert!(!house.log().contains(secret), "{secret} in the log");
    }
}
