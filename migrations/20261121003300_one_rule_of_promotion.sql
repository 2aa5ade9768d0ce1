-- One rule for who moves a contact along the sales path: whoever may change the contact, that is an admin, its owner,
-- who brought it in, or the service. Asked here, so that no way of promoting goes past it: completing a project of a
-- colleague's contact completes the project, and the type stays for its owner to decide.

-- Outcomes: promoted; there_already; further_along (or off the path): their type stays; not_yours: it would lead
-- forwards, but whoever asks may not change the contact. Starts the type's campaign for those never in it, among the
-- contacts that may be changed. Enrolling has its own rules, and its outcome is the timeline's to tell.
create or replace function private.promote(p_contacts uuid[], p_type text, p_source text, p_now timestamptz)
returns table (contact_id uuid, outcome text)
language plpgsql security definer set search_path = '' as $$
declare
  allowed uuid[];
  ready uuid[];
begin
  perform set_config('mpt.now', p_now::text, true);
  -- Somebody may be moving them along, or giving them away, at this very moment: judged is what they are then.
  perform from public.contacts c where c.id = any (p_contacts) order by c.id for no key update;
  allowed := private.changeable(p_contacts);
  return query
  with judged as (
    select c.id, case when c.contact_type = p_type then 'there_already'
                      when not private.is_forward(c.contact_type, p_type) then 'further_along'
                      when c.id = any (allowed) then 'promoted'
                      else 'not_yours' end as verdict
    from public.contacts c where c.id = any (p_contacts)),
  moved as (
    update public.contacts c set contact_type = p_type, updated_at = p_now
    from judged j where j.id = c.id and j.verdict = 'promoted'
    returning c.id)
  select j.id, j.verdict from judged j left join moved m on m.id = j.id;
  ready := array(
    select c.id from public.contacts c join public.contact_types y on y.key = c.contact_type
    where c.id = any (allowed) and c.contact_type = p_type and not exists (
      select from public.campaign_enrollments e where e.contact_id = c.id and e.campaign_id = y.campaign_id));
  if cardinality(ready) > 0 then
    perform private.enroll(ready, null, p_source, p_now);
  end if;
end
$$;
