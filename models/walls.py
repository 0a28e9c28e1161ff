"""The walls as PostgreSQL itself knows them: what its catalogue says about tables, keys, roles.

Asked by the doctor of a running house and by the tests of a fresh one. Every question answers with
what is wrong, so none is the right answer.
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.registry import TABLES

# How PostgreSQL prints the wall's predicate back from its catalogue.
STORED = (
    "(tenant_id = ( SELECT (NULLIF(current_setting('app.current_tenant'::text, true), "
    "''::text))::uuid AS \"nullif\"))"
)
LOOK_UPS = (
    "tenant_slugs",
    "user_emails",
    "api_key_hashes",
    "payment_account_tokens",
    "pay_link_tokens",
)
# Figures of the whole house, how far its events were read, and alembic's own: nothing of any
# tenant stands in them.
OF_THE_PLATFORM = ("readings", "event_sequence", "event_cursors")
OF_THE_HOUSE = (*OF_THE_PLATFORM, "alembic_version")
UNWALLED = (*LOOK_UPS, *OF_THE_HOUSE)

_WALLS = text("""
select c.relname, c.relrowsecurity and c.relforcerowsecurity as forced,
       p.qual, p.with_check, p.roles::text as roles,
       (select count(*) from pg_policies q where q.schemaname = n.nspname
           and q.tablename = c.relname) as policies,
       exists (select 1 from pg_attribute a where a.attrelid = c.oid
                  and a.attname = 'tenant_id' and a.attnotnull) as has_tenant
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  left join pg_policies p on p.tablename = c.relname and p.schemaname = n.nspname
 where n.nspname = 'public' and c.relkind in ('r', 'p')
""")
_KEYS = text("""
select c.conrelid::regclass::text as of_table, c.conname as name,
       (select array_agg(a.attname::text order by u.ord)
          from unnest(c.conkey) with ordinality u(num, ord)
          join pg_attribute a on a.attrelid = c.conrelid and a.attnum = u.num) as columns
  from pg_constraint c
 where c.contype in ('f', 'u', 'p', 'x') and c.connamespace = 'public'::regnamespace
 union all
select i.indrelid::regclass::text, i.indexrelid::regclass::text,
       (select array_agg(a.attname::text order by u.ord)
          from unnest(i.indkey::smallint[]) with ordinality u(num, ord)
          join pg_attribute a on a.attrelid = i.indrelid and a.attnum = u.num)
  from pg_index i join pg_class t on t.oid = i.indrelid
 where i.indisunique and t.relnamespace = 'public'::regnamespace
""")
_GRANTS = text("""
select c.relname || ' to ' || coalesce(r.rolname, 'everybody')
  from pg_class c cross join aclexplode(c.relacl) g left join pg_roles r on r.oid = g.grantee
 where c.relnamespace = 'public'::regnamespace and c.relname = any(:look_ups)
   and coalesce(r.rolname, 'everybody') not in ('inn_owner', 'inn_platform')
""")
_FUNCTIONS = text("""
select p.proname || ' looks where it is told' from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
 where n.nspname = 'public' and p.prosecdef
   and not coalesce(p.proconfig, '{}')::text[] @> '{search_path=public\\, pg_temp}'
 union all
select p.proname || ' may be called by everybody' from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
 where n.nspname = 'public' and p.prosecdef
   and (p.proacl is null or exists (select 1 from aclexplode(p.proacl) g where g.grantee = 0))
""")
_ROLES = text("""
with roles as (
  select * from pg_roles where rolname in ('inn_app', 'inn_platform', 'inn_owner')
)
select wanted || ' is missing' from unnest(array['inn_app', 'inn_platform', 'inn_owner']) wanted
 where wanted not in (select rolname from roles)
 union all select rolname || ' is a superuser' from roles where rolsuper
 union all select rolname || ' bypasses the walls' from roles
            where rolbypassrls and rolname <> 'inn_platform'
 union all select 'inn_platform does not see above the walls' from roles
            where rolname = 'inn_platform' and not rolbypassrls
 union all select rolname || ' owns ' || c.relname from roles r
             join pg_class c on c.relowner = r.oid where r.rolname <> 'inn_owner'
 union all select r.rolname || ' is a member of ' || g.rolname from roles r
             join pg_auth_members m on m.member = r.oid join pg_roles g on g.oid = m.roleid
            where r.rolname <> 'inn_owner'
""")


async def broken_walls(session: AsyncSession) -> list[str]:
    """Tables without their whole wall: security on and forced, one exact policy, a tenant."""
    whole = (True, STORED, STORED, "{public}", 1, True)
    walls = {row[0]: tuple(row)[1:] for row in await session.execute(_WALLS)}
    broken = [name for name, wall in walls.items() if name not in UNWALLED and wall != whole]
    missing = {table.name for table in TABLES.sorted_tables} - set(walls)
    return sorted([*broken, *(f"{name} is missing" for name in missing)])


async def loose_keys(session: AsyncSession) -> list[str]:
    """Keys that do not begin with the tenant: foreign ones bypass the wall, unique ones tell."""
    rows = await session.execute(_KEYS)
    return sorted(
        f"{row.of_table}.{row.name}"
        for row in rows
        if row.of_table not in UNWALLED and row.columns[0] != "tenant_id"
    )


async def open_look_ups(session: AsyncSession) -> list[str]:
    """Grants on the look-up tables, and functions that anybody calls or that look elsewhere."""
    grants = await session.scalars(_GRANTS, {"look_ups": [*LOOK_UPS, *OF_THE_PLATFORM]})
    functions: Sequence[str] = (await session.scalars(_FUNCTIONS)).all()
    return sorted([*grants, *functions])


async def wrong_roles(session: AsyncSession) -> list[str]:
    """Roles that hold more than they should, or less: the app owns and bypasses nothing."""
    return sorted(await session.scalars(_ROLES))
