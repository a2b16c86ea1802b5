"""Every method of RoomService through PyPI's livekit-api, on a room in which
`ann` publishes a camera and `ben` watches.

    room_service.py HTTP_URL ROOM use    what changes something
    room_service.py HTTP_URL ROOM end    removes ann and deletes the room
"""

import asyncio
import sys

from livekit import api


async def main(url: str, room: str, what: str) -> None:
    async with api.LiveKitAPI(url, "devkey", "secret") as server:
        if what == "end":
            return await end(server.room, room)
        await rooms(server.room, room)
        track = await people(server.room, room)
        await effects(server.room, room, track)


async def rooms(service, room: str) -> None:
    extra = await service.create_room(api.CreateRoomRequest(name=f"{room}-extra", max_participants=3))
    assert extra.sid.startswith("RM_") and extra.max_participants == 3, extra
    listed = (await service.list_rooms(api.ListRoomsRequest())).rooms
    assert {room, extra.name} <= {one.name for one in listed}, listed
    only = (await service.list_rooms(api.ListRoomsRequest(names=[room]))).rooms
    assert [one.name for one in only] == [room] and only[0].num_participants == 2, only
    changed = await service.update_room_metadata(api.UpdateRoomMetadataRequest(room=room, metadata="py"))
    assert changed.metadata == "py", changed
    await service.delete_room(api.DeleteRoomRequest(room=extra.name))
    left = (await service.list_rooms(api.ListRoomsRequest(names=[extra.name]))).rooms
    assert not left, left


async def people(service, room: str) -> str:
    listed = (await service.list_participants(api.ListParticipantsRequest(room=room))).participants
    assert {one.identity for one in listed} == {"ann", "ben"}, listed
    ann = await service.get_participant(api.RoomParticipantIdentity(room=room, identity="ann"))
    assert [track.source for track in ann.tracks] == [api.TrackSource.CAMERA], ann
    permission = api.ParticipantPermission(can_publish=True, can_subscribe=True, can_publish_data=False)
    changed = await service.update_participant(
        api.UpdateParticipantRequest(
            room=room, identity="ben", metadata="from python", attributes={"k": "v"}, permission=permission
        )
    )
    assert changed.metadata == "from python" and changed.attributes["k"] == "v", changed
    assert not changed.permission.can_publish_data, changed
    return ann.tracks[0].sid


async def effects(service, room: str, track: str) -> None:
    for subscribe in (False, True):
        await service.update_subscriptions(
            api.UpdateSubscriptionsRequest(room=room, identity="ben", track_sids=[track], subscribe=subscribe)
        )
    await service.send_data(
        api.SendDataRequest(
            room=room,
            data=bytes([1, 2, 3]),
            kind=api.DataPacket.Kind.RELIABLE,
            topic="from python",
            destination_identities=["ann"],
        )
    )
    muted = await service.mute_published_track(
        api.MuteRoomTrackRequest(room=room, identity="ann", track_sid=track, muted=True)
    )
    assert muted.track.muted, muted


async def end(service, room: str) -> None:
    await service.remove_participant(api.RoomParticipantIdentity(room=room, identity="ann"))
    try:
        await service.get_participant(api.RoomParticipantIdentity(room=room, identity="ann"))
        raise AssertionError("ann is still there after her removal")
    except api.TwirpError as error:
        assert error.code == "not_found", error
    await service.delete_room(api.DeleteRoomRequest(room=room))


asyncio.run(main(*sys.argv[1:]))
