-- Projects move over a board, and what that means for the contact follows whichever program writes it.
-- Networking events capture who came, a whole list in one statement.

alter table public.projects
  add column lost_reason text not null default '' check (length(lost_reason) <= 1000),
  add column stage_changed_at timestamptz not null default private.clock() check (isfinite(stage_changed_at));
update public.projects set stage_changed_at = coalesce(completed_at, updated_at);
alter table public.projects add constraint projects_name_length check (length(name) <= 200);
-- A column of the board, the latest moved first.
create index projects_of_stage on public.projects (stage, stage_changed_at desc, id desc);

alter table public.networking_events
  add constraint networking_events_lengths
    check (length(name) <= 200 and length(location) <= 200 and length(notes) <= 10000);
alter table public.networking_event_attendees add constraint attendee_notes_length check (length(notes) <= 10000);
create index networking_events_newest on public.networking_events (held_on desc, id desc);

create function private.stage_label(stage text) returns text
language sql immutable set search_path = '' as $$
  select case stage when 'discovery' then 'Discovery' when 'proposal' then 'Proposal' when 'active' then 'Under way'
                    when 'completed' then 'Completed' when 'lost' then 'Lost' end
$$;

create function private.on_project_stage() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'INSERT' then
    new.stage_changed_at := new.created_at;
  elsif new.stage <> old.stage then
    new.stage_changed_at := private.clock();
  else
    return new;
  end if;
  new.completed_at := case when new.stage = 'completed' then new.stage_changed_at end;
  if new.stage <> 'lost' then
    new.lost_reason := '';
  end if;
  return new;
end
$$;
create trigger on_project_stage before insert or update of stage on public.projects
  for each row execute function private.on_project_stage();

-- The timeline tells it. Completing makes the contact a client, if that leads forwards on the sales path, and
-- starts Client; reopening takes nothing back.
create function private.after_project_stage() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and new.stage = old.stage then
    return null;
  end if;
  insert into public.activities (contact_id, occurred_at, kind, summary)
  values (new.contact_id, new.stage_changed_at, 'project',
    left('Project “' || new.name || '” '
      || case when tg_op = 'INSERT' then 'added: ' || private.stage_label(new.stage)
              when new.stage = 'completed' then 'completed'
              when new.stage = 'lost' then 'lost'
              when old.stage in ('completed', 'lost') then 'taken up again: ' || private.stage_label(new.stage)
              else 'moved to ' || private.stage_label(new.stage) end
      || case when new.lost_reason <> '' then ': ' || new.lost_reason else '' end, 10000));
  if new.stage = 'completed' then
    -- What came of it is left for move_project.
    perform set_config('mpt.promotion', p.outcome, true)
    from private.promote(array[new.contact_id], 'client', 'type', new.stage_changed_at) p;
  end if;
  return null;
end
$$;
create trigger after_project_stage after insert or update of stage on public.projects
  for each row execute function private.after_project_stage();

-- Moves a project, with the rights of who asks, and says what that made of its contact: moved, unchanged,
-- gone (or not theirs to move); for a completion promoted, there_already or further_along.
create function public.move_project(p_project uuid, p_stage text, p_reason text, p_now timestamptz) returns text
language plpgsql set search_path = '' as $$
declare
  project public.projects;
begin
  if not private.is_staff() then
    raise exception 'Only staff move projects.' using errcode = '42501';
  end if;
  perform set_config('mpt.now', p_now::text, true);
  select * into project from public.projects where id = p_project for update;
  if project.id is null then
    return 'gone';
  end if;
  if project.stage = p_stage then
    return 'unchanged';
  end if;
  update public.projects set stage = p_stage, lost_reason = coalesce(p_reason, ''), updated_at = p_now
  where id = p_project;
  if not found then
    return 'gone';
  end if;
  return case when p_stage = 'completed' then current_setting('mpt.promotion') else 'moved' end;
end
$$;

create view public.project_list with (security_invoker = true) as
select p.id, p.contact_id, btrim(c.first_name || ' ' || c.last_name) as contact_name, c.email as contact_email,
       c.company_name, c.contact_type, p.name, p.stage, p.value_cents, p.owner_id, o.full_name as owner_name,
       p.lost_reason, p.completed_at, p.stage_changed_at, p.created_at
from public.projects p
join public.contacts c on c.id = p.contact_id
left join public.profiles o on o.id = p.owner_id;

-- How many stand in each stage and what they are worth; p_since leaves out what was completed or lost before.
create function public.project_totals(p_owner uuid, p_since timestamptz)
returns table (stage text, projects bigint, value_cents bigint)
language sql stable set search_path = '' as $$
  select p.stage, count(*), coalesce(sum(p.value_cents), 0)::bigint from public.projects p
  where (p_owner is null or p.owner_id = p_owner)
    and (p_since is null or p.stage not in ('completed', 'lost') or p.stage_changed_at >= p_since)
  group by p.stage
$$;

create view public.networking_event_list with (security_invoker = true) as
select e.id, e.name, e.held_on, e.location, e.notes, e.owner_id, o.full_name as owner_name, e.created_at,
       (select count(*) from public.networking_event_attendees a where a.event_id = e.id) as attendees
from public.networking_events e
left join public.profiles o on o.id = e.owner_id;

create view public.attendee_list with (security_invoker = true) as
select a.event_id, a.contact_id, e.name as event_name, e.held_on, btrim(c.first_name || ' ' || c.last_name) as contact_name,
       c.email, c.company_name, c.contact_type, y.label as type_label, c.email_status, c.archived_at, a.notes, a.added_by,
       p.full_name as added_by_name, a.created_at
from public.networking_event_attendees a
join public.networking_events e on e.id = a.event_id
join public.contacts c on c.id = a.contact_id
join public.contact_types y on y.key = c.contact_type
left join public.profiles p on p.id = a.added_by;

-- Who came to an event: a JSON text of rows as import_contacts takes them, cleaned, each with a row_number. The answer
-- says for every row what became of it: new; known; promoted (to networking, which starts Networking); further_along
-- (a lead, prospect, client or partner: theirs goes on); archived; suppressed (kept, never written to); there_before.
create function public.capture_attendees(p_event uuid, p_rows text, p_now timestamptz)
returns table (row_number integer, outcome text, contact_id uuid)
language plpgsql security definer set search_path = '' as $$
declare
  event_name text := (select name from public.networking_events where id = p_event);
begin
  if not private.acts_as_service() and not private.is_staff() then
    raise exception 'Only staff add attendees.' using errcode = '42501';
  end if;
  if event_name is null then
    raise exception 'This event is not there any more.' using errcode = 'MP006';
  end if;
  create temporary table captured on commit drop as
  select i.row_number, i.outcome, i.contact_id from public.import_contacts(p_rows, event_name, 'skip', false, p_now) i;
  -- The import turns this off for its own statement's sake, and on again.
  perform set_config('mpt.now', p_now::text, true);

  perform private.enroll(array(select c.contact_id from captured c where c.outcome = 'imported'), null, 'event', p_now);
  update captured c set outcome = case p.outcome when 'there_already' then 'known' else p.outcome end
  from private.promote(
    private.changeable(array(select k.contact_id from captured k where k.outcome = 'skipped')), 'networking', 'event', p_now) p
  where c.contact_id = p.contact_id and c.outcome = 'skipped';
  update captured c
  set outcome = case when c.outcome = 'imported' then 'new'
                     when c.outcome = 'skipped' and private.is_forward('networking', k.contact_type) then 'further_along'
                     when c.outcome = 'skipped' then 'known' else c.outcome end
  from public.contacts k where k.id = c.contact_id;

  with added as (
    insert into public.networking_event_attendees (event_id, contact_id, added_by, created_at)
    select distinct p_event, c.contact_id, private.user_id(), p_now from captured c where c.contact_id is not null
    on conflict do nothing
    returning networking_event_attendees.contact_id),
  told as (
    insert into public.activities (contact_id, occurred_at, kind, summary)
    select a.contact_id, p_now, 'networking_event', 'Met at ' || event_name from added a)
  update captured c set outcome = 'there_before'
  where c.contact_id is not null and c.contact_id not in (select a.contact_id from added a);
  return query select c.row_number, c.outcome, c.contact_id from captured c order by c.row_number;
  drop table captured;
end
$$;

revoke all on public.project_list, public.networking_event_list, public.attendee_list
  from public, anon, authenticated, service_role;
grant select on public.project_list, public.networking_event_list, public.attendee_list to authenticated, service_role;
revoke all on function private.stage_label(text), private.on_project_stage(), private.after_project_stage(),
  public.move_project(uuid, text, text, timestamptz), public.project_totals(uuid, timestamptz),
  public.capture_attendees(uuid, text, timestamptz) from public, anon, authenticated, service_role;
grant execute on function public.move_project(uuid, text, text, timestamptz), public.project_totals(uuid, timestamptz),
  public.capture_attendees(uuid, text, timestamptz) to authenticated;
grant execute on function public.project_totals(uuid, timestamptz) to service_role;
