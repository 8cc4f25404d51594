"""What instruments and players are called in German, French, Spanish and Italian, by the family that plays them.

Translations of our own. A line is

    family: German | French | Spanish | Italian

with one name between commas, in the singular. Accents may be left out by who writes. A name behind "?" has another meaning in
everyday speech ("Flügel" are wings, "vents" is weather): in a text it is an instrument only where another one is named.
"""

from __future__ import annotations

INSTRUMENT_TRANSLATIONS = """
drums: schlagzeug, trommel, kleine trommel, große trommel, schlagwerk, perkussion, drum, ?becken, hi-hat, tamburin, kastagnetten, \
rassel, bongos, schlagzeuger, trommler \
| batterie, percussion, percussions, tambour, caisse claire, grosse caisse, cymbale, tambourin, castagnettes, maracas, \
batteur, percussionniste \
| batería, percusión, tambor, caja clara, bombo, ?platillo, pandereta, castañuela, maracas, baterista, percusionista \
| batteria, percussione, percussioni, tamburo, rullante, grancassa, ?piatti, tamburello, nacchere, batterista, percussionista
piano: klavier, ?flügel, konzertflügel, pianoforte, piano, cembalo, clavichord, spinett, e-piano, hammerklavier, klavierspieler, pianist, \
pianistin \
| piano, piano à queue, clavecin, piano électrique, épinette, pianoforte, pianiste \
| piano, piano de cola, clavecín, clavicémbalo, piano eléctrico, pianista, espineta \
| piano, pianoforte, pianoforte a coda, clavicembalo, cembalo, piano elettrico, spinetta, pianista
mallet: glocke, glöckchen, glockenspiel, xylophon, marimba, vibraphon, spieluhr, spieldose, celesta, pauke, kesselpauke, röhrenglocken, \
hackbrett, klangschale \
| cloche, clochette, carillon, xylophone, marimba, vibraphone, boîte à musique, célesta, timbales d'orchestre, cloches tubulaires, glockenspiel \
| campana, campanilla, xilófono, marimba, vibráfono, caja de música, celesta, timbal, carillón, campanas tubulares \
| campana, campanella, campanello, xilofono, marimba, vibrafono, carillon, celesta, timpano, timpani, campane tubolari, scatola musicale
organ: orgel, kirchenorgel, akkordeon, ziehharmonika, harmonium, mundharmonika, bandoneon, hammondorgel, organist, schifferklavier \
| orgue, orgues, grand orgue, accordéon, harmonium, harmonica, bandonéon, orgue d'église, organiste, orgue de barbarie \
| órgano, acordeón, armonio, armónica, bandoneón, órgano de iglesia, organista, órgano hammond \
| organo, fisarmonica, armonium, armonica, armonica a bocca, bandoneon, organo da chiesa, organista, organetto
guitar: gitarre, e-gitarre, akustikgitarre, konzertgitarre, elektrische gitarre, zither, mandoline, banjo, ukulele, leier, gitarrist, \
?laute \
| guitare, guitare électrique, guitare acoustique, guitare classique, mandoline, luth, banjo, ukulélé, cithare, ?lyre, guitariste \
| guitarra, guitarra eléctrica, guitarra acústica, guitarra clásica, guitarra española, mandolina, laúd, banjo, ukelele, cítara, \
bandurria, ?lira, guitarrista \
| chitarra, chitarra elettrica, chitarra acustica, chitarra classica, mandolino, liuto, banjo, ukulele, cetra, ?lira, chitarrista
bass: bass, e-bass, bassgitarre, zupfbass, bassist \
| basse, guitare basse, basse électrique, bassiste \
| ?bajo, bajo eléctrico, guitarra baja, bajista \
| basso, basso elettrico, bassista
strings: streicher, streichinstrument, streichquartett, streichorchester, geige, violine, bratsche, cello, violoncello, kontrabass, harfe, \
chor, geiger, geigerin, cellist, cellistin, gambe, fiedel, knabenchor, kirchenchor \
| cordes, instruments à cordes, quatuor à cordes, violon, ?alto, violoncelle, contrebasse, harpe, chœur, choristes, violoniste, \
violoncelliste, harpiste, viole de gambe \
| cuerdas, ?cuerda, cuarteto de cuerda, violín, ?viola, violonchelo, violoncelo, chelo, contrabajo, arpa, coro, violinista, \
viola da gamba, arpista \
| archi, strumento ad arco, quartetto d'archi, violino, viola, violoncello, contrabbasso, arpa, coro, violinista, violoncellista, \
arpista, viola da gamba
brass: blechbläser, blechblasinstrument, trompete, posaune, horn, waldhorn, tuba, kornett, flügelhorn, trompeter, blaskapelle \
| cuivres, ?cuivre, trompette, trombone, cor, cor d'harmonie, tuba, cornet à pistons, clairon, trompettiste, bugle \
| viento metal, metales, ?metal, trompeta, trombón, trompa, tuba, corneta, trompetista, fliscorno, clarín \
| ottoni, ?ottone, tromba, trombone, corno, tuba, cornetta, trombettista, flicorno
winds: holzbläser, ?bläser, flöte, querflöte, blockflöte, panflöte, klarinette, oboe, fagott, saxophon, saxofon, sax, dudelsack, piccolo, \
englischhorn, flötist, flötistin, klarinettist, saxophonist, schalmei, okarina \
| ?bois, ?vents, instruments à vent, flûte, flûte traversière, flûte à bec, flûte de pan, clarinette, hautbois, basson, saxophone, \
cornemuse, cor anglais, piccolo, flûtiste, clarinettiste, saxophoniste, ocarina \
| viento madera, ?madera, ?maderas, ?vientos, flauta, flauta travesera, flauta dulce, flauta de pan, clarinete, oboe, fagot, saxofón, \
saxo, gaita, corno inglés, flautín, flautista, clarinetista, saxofonista, quena, zampoña, ocarina \
| legni, ?legno, fiati, flauto, flauto traverso, flauto dolce, flauto di pan, clarinetto, oboe, fagotto, sassofono, sax, cornamusa, \
corno inglese, ottavino, flautista, clarinettista, sassofonista, zampogna, ocarina
lead: synthesizer, synthie, synthi, theremin, leadsynth \
| synthétiseur, synthé, thérémine \
| sintetizador, sinte, theremín \
| sintetizzatore, synth, theremin
pad: klangfläche, klangteppich, synthiefläche \
| nappe sonore, nappe de synthé, ?nappe, nappes \
| colchón sonoro, pad de sintetizador, colchón de sintetizador \
| tappeto sonoro, tappeto di sintetizzatore, pad di sintetizzatore
"""
