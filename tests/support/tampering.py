"""Changes to the audit log that only someone who owns the database can make."""

from sqlalchemy import text

from payments_app.services.context import Portal


async def tamper(portal: Portal, statement: str) -> None:
    """Change the log as someone who owns the database could."""
    unlock = ["alter table audit_entry disable trigger user"]
    if portal.db.is_sqlite:
        unlock = [f"drop trigger audit_entry_no_{action}" for action in ("update", "delete")]
    async with portal.db.write() as session:
        for step in (*unlock, statement):
            await session.execute(text(step))
