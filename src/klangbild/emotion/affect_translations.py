"""Words of feeling in German, French, Spanish and Italian, each beside the word of `affect_words` that it means.

Translations of our own. A line is

    English: German | French | Spanish | Italian

and each word stands where the English one does; no number of its own. Words are given in one form (masculine, singular): endings
are `languages.stem`'s work, accents may be left out by who writes. "_" joins the words of a phrase.
"""

from __future__ import annotations

MORE_ENGLISH = """
ecstatic: blissful overjoyed | festive: christmas birthday | pleasant: good nice | powerful: loud strong thunderous bombastic
calm: calming chill chilled chillout zen | relaxed: easygoing laid_back lounge | sleepy: bedtime | angry: mad wrathful irate
terrifying: spine_chilling screaming apocalyptic | eerie: halloween zombie zombies paranormal | heroic: knight superhero legendary
gentle: dolce | majestic: maestoso | mysterious: misterioso arcane occult | playful: whimsical goofy cartoon silly quirky mischievous
gloomy: lugubrious moody brooding | mournful: elegiac elegy requiem lament | sad: heartbroken heartbreaking
energetic: workout rollercoaster | wild: frenetic crazy insane | romantic: candlelit valentine kiss | sea: seaside coast shore harbour harbor
forest: woods woodland rainforest | mountain: peak summit alps alpine | snow: snowflake snowflakes | storm: blizzard typhoon
fire: bonfire wildfire embers | city: town downtown | heavenly: paradise divine celestial | sailing: pirate pirates boat boats
horse: cowboy cowboys western | space: spaceship galaxy planet planets astronaut universe | summer: midsummer tropical
funny: hilarious | loving: heartwarming | nostalgic: vintage retro memories memory | cold: chilly freezing | meadow: grass fields
child: kids kid toddler | night: nighttime | evening: evenings | morning: mornings | sacred: gospel | quiet: whispering whisper
"""
"""Words that people say in English, too; the sound model's vocabulary, which `affect_words` is part of, stays as it was trained."""

AFFECT_TRANSLATIONS = """
ecstatic: ekstatisch berauscht verzückt | extatique enivré | extático embriagado | estatico inebriato
euphoric: euphorisch überglücklich selig | euphorique radieux | eufórico | euforico
exuberant: überschwänglich ausgelassen übermütig | exubérant débordant | exuberante desbordante | esuberante traboccante
jubilant: jubelnd jubel jauchzend | jubilant jubilation allégresse | júbilo | giubilante giubilo esultante esultanza
thrilled: begeistert begeisterung mitgerissen | enthousiasmé ravi transporté | entusiasmado emocionado | entusiasta elettrizzato entusiasmo
joyful: freudig freude froh freudvoll entzückt | joie joyeux enjoué réjoui enchanté ravissement | alegría jubiloso gozo gozoso dichoso dicha encantado deleite | gioia gioioso gioire letizia deliziato diletto
festive: festlich fest feierlaune feiern feier jubiläum feuerwerk karneval fasching weihnachten weihnachtlich | festif fête fêter célébration feu_d'artifice feux_d'artifice carnaval noël | festivo fiesta celebrar celebración fuegos_artificiales pirotecnia carnaval navidad navideño | festoso festa festeggiare celebrazione fuochi_d'artificio carnevale natale natalizio
dance: tanz tanzen tänzerisch tanzend | danse danser dansant bal | baile bailar danza danzar | danza ballo ballare danzare danzante
triumphant: triumphal triumph triumphierend siegreich sieg | triomphant triomphal triomphe victorieux victoire | triunfal triunfante triunfo victorioso victoria | trionfante trionfale trionfo vittorioso vittoria
excited: aufgeregt erregt aufregung aufregend spannungsreich mitreißend | excité excitation passionnant palpitant captivant | excitado excitación emocionante apasionante | eccitato eccitazione emozionante avvincente eccitante
energetic: energisch energiegeladen energie kraftstrotzend | énergique énergie dynamisé | enérgico energía | energico energia
lively: lebhaft lebendig munter quirlig temperamentvoll pulsierend schillernd | vif animé vivant entraînant vibrant | vivo animado vivaz vivaracho vibrante | vivo animato brioso briosamente brio vibrante
sparkling: funkelnd sprudelnd prickelnd | étincelant pétillant scintillant | chispeante burbujeante centelleante | scintillante frizzante spumeggiante
passionate: leidenschaftlich leidenschaft | passionné passion | apasionado pasión | appassionato passione passionale
happy: glücklich fröhlich glück heiter vergnügt | heureux bonheur gai gaieté | feliz felicidad alegre contento | felice felicità
cheerful: frohsinn gut_gelaunt gutgelaunt lustig lachend lachen gelächter | jovial de_bonne_humeur bonne_humeur guilleret rieur rire riant | risueño buen_humor jovial riendo risa reír | gaio di_buon_umore ridente ilare allegro allegria risata ridere
playful: verspielt spielerisch schelmisch neckisch spaß spaßig | ludique joueur espiègle badin amusement rigolo marrant | juguetón lúdico travieso diversión divertido | giocoso ludico scherzoso birichino divertimento divertente
sunny: sonnig strahlend strahlen leuchtend | ensoleillé rayonnant lumineux | soleado radiante luminoso | soleggiato solare raggiante luminoso radioso
bright: hell | éclatant | resplandeciente | vivido
funny: komisch drollig witzig ulkig humorvoll | drôle comique cocasse humoristique | gracioso cómico chistoso humorístico | buffo comico spiritoso umoristico
bouncy: hüpfend hüpfen beschwingt schwungvoll federnd | bondissant sautillant rebondi | saltarín rebotante | saltellante rimbalzante
colorful: bunt farbenfroh farbig | coloré bariolé multicolore | colorido multicolor | colorato variopinto
hopeful: hoffnungsvoll hoffnung hoffnungsfroh | plein_d'espoir espoir espérance | esperanzado esperanza esperanzador | speranzoso speranza
optimistic: optimistisch zuversichtlich zuversicht | optimiste confiant | optimista | ottimista ottimistico fiducioso
inspiring: inspirierend inspiriert erhebend aufbauend ermutigend | inspirant inspiré exaltant réconfortant encourageant | inspirador inspirado edificante alentador | ispirato ispirante edificante incoraggiante
proud: stolz | fier fierté | orgulloso orgullo | fiero orgoglioso orgoglio fierezza
spring: frühling frühlingshaft frühjahr lenz | printemps printanier | primavera primaveral | primavera primaverile
blossom: blüte blühend blühen aufblühen | éclosion fleuri floraison | florecer floreciente | fioritura sbocciare fiorito
heroic: heldenhaft heroisch held heldin | héroïque héros | heroico héroe | eroico eroe
grand: großartig grandios episch | grandiose épique épopée | grandioso épico epopeya | grandioso epico epopea
majestic: majestätisch erhaben glorreich ruhmreich herrlich | majestueux glorieux gloire | majestuoso glorioso gloria | maestoso glorioso gloria
powerful: kraftvoll mächtig kräftig gewaltig kraft macht laut | puissant puissance bruyant fort | poderoso potente fuerte fuerza ruidoso | potente possente potenza forza rumoroso fortissimo
brave: tapfer mutig mut kühn | courageux vaillant courage audacieux hardi | valiente valentía coraje audaz atrevido | coraggioso valoroso coraggio audace ardito
galloping: galoppierend galopp abenteuer abenteuerlich | galop galopant aventure aventureux | galope galopante aventura aventurero | galoppo galoppante avventura avventuroso
determined: entschlossen zielstrebig | déterminé résolu | decidido resuelto | deciso risoluto determinato
driving: treibend antreibend vorwärtsdrängend dynamisch | dynamique | impulsivo dinámico | incalzante trascinante dinamico
fast: schnell rasch zügig flink geschwind geschwindigkeit | rapide rapidement prompt preste vitesse | rápido rápidamente veloz ágil velocidad | veloce rapido velocemente svelto velocità
urgent: dringend drängend | urgent pressant | urgente apremiante | urgente pressante
running: rennend rennen laufend | courir | corriendo correr | correre di_corsa
awake: wach hellwach | éveillé | despierto | sveglio desto
wild: wild ungestüm ungezügelt explosiv | sauvage déchaîné débridé explosif | salvaje desenfrenado explosivo | selvaggio scatenato sfrenato esplosivo
frantic: rasend hektisch fieberhaft | frénétique fébrile | frenético febril | frenetico febbrile
love: liebe lieben geliebt liebend verliebt liebevoll | amour amoureux aimer aimant affectueusement | amor enamorado amar amoroso cariñosamente | amore innamorato amoroso amorevole
tender: zärtlich zart zärtlichkeit innig herzlich | tendre tendresse affectueux | tierno ternura cariñoso afectuoso | tenero tenerezza affettuoso affetto
romantic: romantisch romantik romanze | romantique romance | romántico romance | romantico romanza
warm: warm wärme warmherzig | chaleureux chaud chaleur | cálido calor caluroso | caldo calore caloroso
beautiful: schön schönheit wunderschön hübsch | beau bel belle beauté joli | hermoso bello bonito lindo belleza | bello bellezza bellissimo
elegant: elegant anmutig grazil anmut | élégant gracieux grâce | elegante grácil garboso | elegante aggraziato leggiadro grazia grazioso
charming: charmant bezaubernd reizend freundlich freundschaftlich | charmant charme amical aimable gentil | encantador encanto amistoso amable simpático | affascinante incantevole amichevole gentile cordiale
pleased: erfreut zufrieden zufriedenheit | content satisfait | complacido satisfecho | contento compiaciuto soddisfatto appagato
grateful: dankbar dankbarkeit | reconnaissant gratitude | agradecido gratitud | grato riconoscente gratitudine
gentle: sanft behutsam sanftmut süß lieblich | doux douceur délicatement sucré suave douce | suave apacible suavidad dulce dulzura | mite soave dolce dolcezza dolcemente
pleasant: angenehm wohltuend behaglich gemütlich kuschelig heimelig gut | agréable plaisant douillet cosy bon | agradable placentero acogedor bueno | piacevole gradevole accogliente buono
serene: gelassen abgeklärt besonnen geruhsam beschaulich | serein sérénité tranquille tranquillité | sereno serenidad tranquilo tranquilidad | sereno serenità tranquillo tranquillità tranquillamente
peaceful: friedlich friedvoll frieden | paisible pacifique paix | pacífico paz | pacifico pace
harmony: harmonie harmonisch | harmonie harmonieux | armonía armonioso | armonia armonioso
idyllic: idyllisch idylle pastoral ländlich | idyllique idylle pastoral champêtre | idílico idilio pastoral bucólico campestre | idilliaco idillio pastorale bucolico agreste
relaxing: entspannend erholsam entspannung entspannt locker beruhigend wohlig | relaxant apaisant reposant délassant détendu décontracté relax rassurant | relajante relajado calmante reconfortante | rilassante distensivo rilassato disteso rasserenante consolatorio
calm: ruhig ruhe erholung rast | calme calmement repos | calma calmado sosegado sosiego reposo descanso | calmo calma quieto riposo riposante
quiet: still stille leise gedämpft flüsternd | silencieux silence quiétude feutré chuchoté | silencioso silencio quieto quietud callado susurrado | silenzioso silenzio quiete sussurrato smorzato pianissimo
soft: weich mild | moelleux clément | blando templado | morbido soffice sommesso
meditative: meditativ besinnlich meditation kontemplativ versunken | méditatif recueilli méditation recueillement contemplatif contemplation | meditativo meditación contemplativo contemplación | meditativo meditazione raccoglimento contemplativo contemplazione
sleepy: schläfrig verschlafen | endormi somnolent ensommeillé | soñoliento adormilado | assonnato sonnolento
lullaby: wiegenlied schlaflied | berceuse | nana canción_de_cuna | ninnananna ninna_nanna
dreamy: träumerisch verträumt | rêveur rêveusement | soñador ensoñador | sognante trasognato
sleeping: schlaf schlafen schlafend | sommeil dormir dormant | dormir dormido | sonno dormire addormentato
lazy: faul träge | paresseux nonchalant | perezoso indolente | pigro indolente
dream: traum träumen | rêve songe rêverie | sueño ensueño soñar | sogno sognare
ethereal: ätherisch entrückt | éthéré | etéreo | etereo
heavenly: himmlisch engelhaft engel | céleste paradisiaque angélique ange | celestial angelical ángel | celestiale paradisiaco angelico angelo
pure: rein unschuldig unschuld | pur pureté innocent innocence | puro pureza inocente inocencia | puro purezza innocente innocenza
childlike: kindlich | enfantin | infantil | infantile fanciullesco
fairytale: märchen märchenhaft verzaubert verwunschen | conte_de_fées féerique ensorcelé féerie | cuento_de_hadas hechizado | fiaba fiabesco favola favoloso incantato
nostalgic: nostalgisch nostalgie | nostalgique nostalgie | nostálgico nostalgia | nostalgico nostalgia
longing: sehnsucht sehnsüchtig sehnsuchtsvoll wehmütig wehmut | languissant | anhelo añoranza anhelante añorante | anelito brama struggente
sentimental: sentimental rührselig rührend | sentimental touchant attendrissant | sentimental conmovedor | sentimentale commovente toccante
pensive: nachdenklich | pensif songeur | pensativo meditabundo | pensieroso pensoso meditabondo
simple: schlicht einfach bescheiden | simple simplicité modeste | sencillo simple modesto | semplice semplicità modesto
rustic: rustikal bäuerlich | rustique | rústico | rustico
curious: neugierig neugier | curieux curiosité | curioso curiosidad | curioso curiosità
surprising: überraschend überraschung überrascht | surprenant surprise surpris | sorprendente sorpresa sorprendido | sorprendente sorpresa sorpreso
wonderful: wundervoll wunderbar wunder | merveilleux merveille | maravilloso maravilla | meraviglioso meraviglia
magical: magisch zauberhaft magie zauber | magique magie | mágico magia | magico magia
mysterious: geheimnisvoll mysteriös rätselhaft geheimnis rätsel | mystérieux mystère énigmatique | misterioso misterio enigmático | misterioso mistero enigmatico arcano
strange: seltsam merkwürdig fremd heimlich | étrange secret | extraño raro secreto | strano segreto
exotic: exotisch | exotique | exótico | esotico
sudden: plötzlich jäh schockiert erschrocken entsetzt | soudain brusque choqué | repentino súbito brusco conmocionado | improvviso repentino scioccato
restless: unruhig rastlos ruhelos unruhe | sans_repos remuant | inquieto desasosegado | inquieto irrequieto
nervous: nervös ungeduldig | nerveux impatient | nervioso impaciente | nervoso impaziente
tense: angespannt gespannt verspannt spannung anspannung | tendu tension | tenso tensión | teso tensione
suspense: nervenkitzel spannend | suspense haletant | suspenso intriga | suspense
anxious: ängstlich beklommen bang angst | anxieux angoissé inquiet anxiété | ansioso angustiado ansiedad preocupado | ansioso ansia angosciato preoccupato
fear: furcht furchtsam panik panisch | peur crainte apeuré craintif panique | miedo temor temeroso asustado pánico | paura timore impaurito spaventato panico
terrifying: schrecklich furchterregend erschreckend schrecken grauen | terrifiant effrayant terreur effroi | aterrador terrorífico espantoso terror | terrificante spaventoso terrore
angry: wütend zornig böse wut zorn | colère en_colère fâché furibond | enojado enfadado ira enfado cólera | arrabbiato rabbia collera adirato
furious: tobend raserei | furieux fureur rage enragé | furioso furia rabia rabioso | furioso furia furore rabbioso
hatred: hass hasserfüllt | haine haineux | odio odioso | odio odioso
violent: gewalttätig gewaltsam heftig gewalt aggressiv | violent violence agressif | violento violencia agresivo | violento violenza aggressivo
brutal: brutal grausam | brutal cruel cruauté | brutal cruel crueldad | brutale crudele crudeltà
horror: horror grauenhaft grauenvoll entsetzen albtraum alptraum | horreur horrible cauchemar cauchemardesque | horror horrible pesadilla | orrore orribile incubo
war: krieg kriegerisch schlacht kampf | guerre guerrier bataille combat | guerra guerrero bélico batalla combate pelea | guerra bellico guerriero battaglia combattimento
blood: blut blutig | sang sanglant | sangre sangriento | sangue sanguinoso
chaos: chaos chaotisch turbulent aufgewühlt | chaos chaotique turbulent tumultueux tumulte agité | caos caótico turbulento tumultuoso agitado | caos caotico turbolento tumultuoso tumulto agitato
stormy: stürmisch | orageux tempétueux | tormentoso tempestuoso borrascoso | tempestoso burrascoso
storm: sturm unwetter | tempête orage | tormenta tempestad borrasca | tempesta burrasca bufera
thunder: donner gewitter | tonnerre | trueno | tuono temporale
lightning: blitz | éclair foudre | relámpago rayo | fulmine lampo
dramatic: dramatisch drama | dramatique drame | dramático drama | drammatico dramma
fierce: grimmig | féroce | feroz | feroce
fire: feuer flamme feurig | feu flamme ardent | fuego llama fogoso | fuoco fiamma focoso
burning: brennend lodernd glut | brûlant en_flammes | ardiente quemante | ardente bruciante
volcano: vulkan | volcan | volcán | vulcano
ominous: unheilvoll drohend | de_mauvais_augure inquiétant | ominoso inquietante | inquietante
sinister: finster bedrohlich bedrohung | sinistre menaçant menace | siniestro amenazante amenazador amenaza | sinistro minaccioso minaccia
eerie: unheimlich schaurig gruselig grusel | lugubre spectral flippant glauque | espeluznante tétrico escalofriante | spettrale raccapricciante
ghost: gespenst geist geisterhaft gespenstisch | fantôme spectre | fantasma espectro | fantasma spettro
danger: gefahr gefährlich | danger dangereux péril | peligro peligroso | pericolo pericoloso
disgusting: ekelhaft ekel widerlich | dégoûtant dégoût | asqueroso asco repugnante | disgustoso disgusto ripugnante
ugly: hässlich | laid moche | feo | brutto
bitter: bitter verbittert eifersüchtig neid neidisch | amer amertume jaloux jalousie jalouse | amargo amargura celoso celos envidia | amaro amarezza geloso gelosia invidia
frustrated: frustriert verärgert ärgerlich gereizt | frustré contrarié irrité | frustrado molesto irritado | frustrato irritato seccato
ashamed: beschämt scham enttäuscht enttäuschung | honteux honte déçu déception | avergonzado vergüenza decepcionado | vergogna vergognoso deluso delusione
painful: schmerzhaft schmerzlich schmerz qualvoll leid leiden leidvoll qual | douloureux douleur souffrance souffrir | doloroso dolor sufrimiento sufrir | doloroso dolore dolente sofferenza sofferto
tragic: tragisch tragödie verzweifelt verzweiflung | tragique tragédie désespéré désespoir | trágico tragedia desesperado desesperación | tragico tragedia disperato disperazione
sad: traurig trauer betrübt traurigkeit unglücklich | triste tristesse attristé malheureux malheur | triste tristeza infeliz desdichado | triste tristezza mesto mestizia infelice
crying: weinend weinen träne tränen | pleurer pleurant larme pleurs | llorando llorar llanto lágrima | piangere pianto piangente lacrima
mourning: trauernd kummer | deuil endeuillé chagrin | luto duelo pena | lutto cordoglio
depressed: deprimiert niedergeschlagen depressiv | déprimé abattu dépressif | deprimido abatido | depresso abbattuto
hopeless: hoffnungslos | sans_espoir | sin_esperanza | senza_speranza
gloomy: trübe trübsinnig bedrückt | morne maussade morose | lúgubre | cupo tetro lugubre
melancholic: melancholisch schwermütig melancholie schwermut | mélancolique mélancolie | melancólico melancolía | malinconico malinconia
desolate: trostlos öde verlassen | désolé | desolado | desolato
lonely: einsam einsamkeit verlassenheit | solitaire solitude esseulé abandonné | solitario soledad abandonado | solitario solitudine abbandonato
lost: verloren heimweh | perdu mal_du_pays | perdido morriña | perduto smarrito nostalgia_di_casa
empty: leer leere | vide | vacío | vuoto
tired: müde matt erschöpft | fatigué fatigue las épuisé | cansado cansancio agotado fatigado | stanco stanchezza spossato affaticato
bored: gelangweilt langeweile langweilig eintönig monoton | ennuyé ennui ennuyeux monotone | aburrido aburrimiento monótono | annoiato noia noioso monotono
dead: tot | mort | muerto | morto
death: tod tödlich | trépas mortel | muerte mortal | morte mortale
grave: grab friedhof | tombe tombeau cimetière | tumba sepulcro cementerio | tomba sepolcro cimitero
funereal: trauermarsch begräbnis | funèbre funérailles | fúnebre funeral | funebre funerale
gray: grau | gris grisâtre | gris grisáceo | grigio grigiore
fog: nebel neblig bewölkt wolke wolkig | brouillard brume brumeux nuageux nuage | niebla neblina brumoso nublado nube | nebbia nebbioso bruma nuvoloso nuvola
cold: kalt kälte | froid | frío | freddo
icy: eis eisig gefroren frost frostig | glace glacé glacial gelé givre | hielo helado gélido congelado escarcha | ghiaccio ghiacciato gelido brina congelato
barren: karg | aride dénudé | árido yermo | brullo arido
decay: verfall vergänglich ruine | décrépitude ruine | decadencia decadente ruina | decadenza decadente rovina
dark: dunkel finsternis düster dunkelheit schwarz | sombre obscur ténèbres obscurité noir | oscuro oscuridad sombrío tinieblas negro | scuro oscuro oscurità buio tenebre nero
shadow: schatten | ombre | sombra | ombra
severe: streng hart | sévère dur | severo duro | severo duro
slow: langsam bedächtig gemächlich | lent lentement | lento lentamente despacio | lento lentamente
heavy: schwer schwerfällig | lourd pesant | pesado | pesante
solemn: feierlich | solennel | solemne | solenne
serious: ernst ernsthaft | sérieux | serio | serio
motionless: reglos bewegungslos starr | immobile figé | inmóvil | immobile
minimal: minimalistisch spärlich | minimal minimaliste épuré | minimalista escueto | minimale minimalista scarno
snow: schnee verschneit | neige enneigé neigeux | nieve nevado | neve innevato
winter: winter winterlich | hiver hivernal | invierno invernal | inverno invernale
autumn: herbst herbstlich | automne automnal | otoño otoñal | autunno autunnale
rain: regen regnerisch verregnet | pluie pluvieux | lluvia lluvioso | pioggia piovoso
golden: golden | doré | dorado | dorato
dawn: morgendämmerung morgenröte morgengrauen | aube aurore | alba amanecer aurora | alba aurora
lake: see teich weiher | lac étang | lago estanque | lago stagno laghetto
meadow: wiese | pré prairie | prado pradera | prato
stream: bach | ruisseau | arroyo | ruscello
morning: morgen morgens | matin matinée | mañana matinal | mattino mattina
garden: garten | jardin | jardín | giardino
flower: blume blumen rose | fleur | flor | fiore
butterfly: schmetterling | papillon | mariposa | farfalla
countryside: landleben feld dorf | campagne village | campo campiña aldea pueblo | campagna villaggio borgo
summer: sommer sommerlich | été estival | verano veraniego | estate estivo
sun: sonne sonnenschein sonnenlicht sonnenstrahl | soleil rayon_de_soleil | sol luz_del_sol | sole luce_del_sole
beach: strand ferien urlaub | plage vacances | playa vacaciones | spiaggia vacanza
sunrise: sonnenaufgang | lever_du_soleil lever_de_soleil | salida_del_sol | sorgere_del_sole
rainbow: regenbogen | arc-en-ciel | arcoíris | arcobaleno
island: insel | île | isla | isola
bird: vogel vögel | oiseau | pájaro ave | uccello
birdsong: vogelgesang vogelgezwitscher | chant_d'oiseaux chant_des_oiseaux | canto_de_pájaros | canto_degli_uccelli cinguettio
sky: himmel | ciel | cielo | cielo
clear: klar | clair | claro | chiaro limpido
sunset: sonnenuntergang | coucher_du_soleil coucher_de_soleil | puesta_del_sol puesta_de_sol ocaso | tramonto
evening: abend abends dämmerung abenddämmerung | soir soirée crépuscule | atardecer tarde crepúsculo | sera serata crepuscolo imbrunire
moonlight: mondschein mondlicht | clair_de_lune | luz_de_luna claro_de_luna | chiaro_di_luna
moon: mond stern sterne sternenhimmel | lune étoile étoilé | luna estrella estrellado | luna stella stellato
candle: kerze kerzenlicht | bougie chandelle | vela | candela lume_di_candela
sea: meer ozean | mer océan | mar océano | mare oceano
river: fluss strom | rivière fleuve | río | fiume
forest: wald wälder | forêt | bosque | bosco foresta
tree: baum | arbre | árbol | albero
green: grün | vert | verde | verde
valley: tal hügel | vallée colline | valle colina | valle collina
waves: welle wellen | vague houle | ola oleaje | onda ondata
waterfall: wasserfall | cascade | cascada | cascata
wind: wind windig | vent venteux | viento ventoso | vento ventoso
sailing: segeln segel | naviguer | navegar velero | navigare veliero
ship: schiff | navire bateau | barco buque | nave barca
horse: pferd | cheval chevaux | caballo | cavallo
breeze: brise | brise | brisa | brezza
light: leicht licht luftig | léger lumière | ligero luz liviano | leggero luce lieve
mountain: berg gebirge | montagne | montaña | montagna
desert: wüste | désert | desierto | deserto
jungle: dschungel urwald wildnis | jungle nature_sauvage | jungla selva naturaleza_salvaje | giungla natura_selvaggia
night: nacht nachts nächtlich mitternacht | nuit nocturne minuit | noche nocturno medianoche | notte notturno mezzanotte
city: stadt städtisch großstadt | ville urbain | ciudad urbano | città urbano
street: straße | rue | calle | strada
crowd: menschenmenge gedränge | foule | multitud gentío | folla
market: markt marktplatz | marché | mercado | mercato
train: eisenbahn zug | train | tren | treno
mechanical: mechanisch fabrik maschine | mécanique usine machine | mecánico fábrica máquina | meccanico fabbrica macchina
futuristic: futuristisch | futuriste | futurista | futuristico
home: heimat zuhause daheim familie mutter freundschaft freund | foyer chez_moi famille mère maman amitié ami | hogar familia madre mamá amistad amigo | casa focolare famiglia madre mamma amicizia amico
child: kind kinder | enfant | niño niña | bambino bambina
wedding: hochzeit | mariage noces | boda | nozze matrimonio
circus: zirkus clown karussell jahrmarkt | cirque clown carrousel manège | circo payaso carrusel tiovivo | circo pagliaccio giostra
fresh: frisch | frais fraîche | fresco | fresco
young: jung jugend jugendlich | jeune jeunesse | joven juventud juvenil | giovane gioventù
rhythmic: rhythmisch | rythmé rythmique | rítmico | ritmico
groovy: groovig | groovy | marchoso | ritmato
space: weltraum weltall schwerelos schwebend weit weitläufig | espace cosmos en_apesanteur flottant spacieux | espacio cosmos ingrávido flotante espacioso amplio | spazio cosmo fluttuante sospeso spazioso ampio
spiritual: spirituell geistlich | spirituel | espiritual | spirituale
sacred: heilig sakral gebet beten | sacré saint prière prier | sagrado santo oración rezo plegaria | sacro santo preghiera pregare
church: kirche kirchlich kathedrale dom | église cathédrale | iglesia catedral | chiesa cattedrale duomo
dissonant: dissonant schräg | dissonant discordant | disonante | dissonante
delicate: filigran fein | délicat fin | delicado | delicato
intimate: intim | intime | íntimo | intimo
smooth: glatt geschmeidig | lisse fluide | fluido liso | fluido vellutato
fragile: zerbrechlich verletzlich schüchtern scheu | fragile vulnérable timide | frágil vulnerable tímido | fragile vulnerabile timido
noble: edel vornehm würdevoll würdig | noble digne | noble digno | nobile dignitoso degno
royal: königlich | royal | regio | regale
confused: verwirrt verwirrung | confus | confuso confundido | confuso
surreal: surreal | surréaliste surréel | surrealista surreal | surreale surrealista
grotesque: grotesk sonderbar | grotesque bizarre | grotesco estrafalario | grottesco bizzarro
revolution: revolution aufstand rebellisch aufsässig | révolution révolte rebelle | revolución revuelta rebelde | rivoluzione rivolta ribelle
chase: jagd verfolgung verfolgungsjagd | poursuite chasse | persecución caza | inseguimento caccia
oppressive: bedrückend beklemmend | oppressant étouffant | opresivo agobiante | opprimente soffocante
regret: reue bedauern | regret remords | arrepentimiento remordimiento | rimpianto rimorso
sensual: sinnlich | sensuel | sensual | sensuale
brilliant: glänzend brillant | brillant | brillante | splendente sfavillante
magnificent: prächtig prachtvoll | magnifique splendide | magnífico espléndido | magnifico splendido
sublime: überwältigend | sublime | sublime | sublime
immense: riesig unermesslich unendlich | immense infini vaste | inmenso infinito vasto | immenso infinito vasto
neutral: neutral | neutre | neutro | neutro
abstract: abstrakt | abstrait | abstracto | astratto
disaster: katastrophe unglück flut überschwemmung | catastrophe désastre inondation déluge | desastre catástrofe inundación | disastro catastrofe alluvione inondazione
sick: krank krankheit | malade maladie | enfermo enfermedad | malato malattia
poverty: armut gefängnis | pauvreté prison | pobreza pobre prisión cárcel | povertà povero prigione
freedom: freiheit | liberté | libertad | libertà
free: frei | libre | libre | libero
flying: fliegend fliegen flug springend springen sprung | voler envol envolée planant sauter saut | volar volando vuelo elevado saltar salto | volare volo librarsi saltare salto
"""
