"""The affect words: what a word asks of the music, valence and arousal in hundredths, -100..100.

Written by us after the circumplex of affect (Russell 1980) and the common findings of word-rating studies (pleasant and
unpleasant, calm and excited), for words that people say about pictures and music: feelings, nature, weather, times, places,
musical manners. They are our judgement, not anybody's ratings. Words of one line share about the same place.
"""

from __future__ import annotations

AFFECT_WORDS = """
70 75: ecstatic euphoric exuberant jubilant elated exhilarated thrilled
75 60: joyful joyous festive carnival celebration celebratory party dancing dance delighted fireworks triumph triumphant victory
60 65: excited exciting energetic lively vivid vibrant sparkling dazzling enthusiastic passionate fiesta jazzy
70 40: happy cheerful merry glad gleeful laughing laughter fun playful bubbly cheery jolly sunny radiant bright
55 45: amused funny humorous witty comic bouncy jaunty perky frisky springy zesty colorful colourful
60 25: hopeful optimistic inspired inspiring uplifting proud confident encouraging promising bloom blooming blossom spring
40 70: heroic epic grand majestic glorious powerful mighty bold adventurous adventure galloping charge brave daring courage
35 55: determined driving dynamic rushing racing fast quick swift speed urgent running eager alert awake
30 80: wild frenzied frantic explosive feverish whirling hectic
65 5: loving love lovely tender affectionate romantic romance warm warmth beautiful graceful elegant charming friendly kind
60 -5: pleased content contented satisfied grateful thankful blessed fortunate gentle sweet pleasant comfortable cosy cozy
55 -35: serene peaceful peace tranquil harmony harmonious idyllic pastoral bucolic relaxed relaxing soothing soothed
40 -55: calm still quiet restful rest placid mellow mild soft hushed silent silence meditative meditation contemplative
35 -70: sleepy drowsy lullaby slumber dreamy sleeping lazy languid
45 -25: dream dreaming dreamlike ethereal heavenly angelic pure innocent childlike fairy fairytale enchanted
30 -30: nostalgic nostalgia wistful bittersweet sentimental longing yearning reflective pensive thoughtful
20 -15: mellowed plain simple modest humble rustic homely domestic
25 35: curious curiosity surprising surprised surprise wondrous wonder wonderful amazing marvellous marvelous magical magic
10 25: mysterious mystery enigmatic strange secret hidden exotic oriental
5 60: astonished astonishing shocked shock startled startling sudden
-5 40: restless unsettled nervous fidgety impatient uneasy
-35 60: tense tension suspense suspenseful nervy strained stressed stress anxious anxiety worried worry dread dreading
-50 70: afraid fear fearful frightened frightening scared scary terror terrified terrifying panic alarmed alarming threat
-55 75: angry anger furious fury rage raging hostile hatred hate hateful violent violence aggressive brutal cruel
-60 60: horror horrifying horrific nightmare nightmarish gruesome war battle fight fighting murder blood bloody killing
-45 50: distressed distressing distress agitated troubled turmoil chaos chaotic disturbing disturbed turbulent upheaval
-40 65: stormy storm thunder thunderstorm lightning tempest tempestuous hurricane tornado gale shipwreck
-25 65: dramatic fierce ferocious savage burning fire flames blazing inferno volcano volcanic eruption explosion
-45 35: ominous sinister menacing threatening eerie creepy spooky haunted ghostly ghost uncanny foreboding danger dangerous
-50 30: disgusted disgust disgusting ugly foul rotten hideous repulsive nasty bitter jealous envious
-45 15: frustrated frustration annoyed irritated upset hurt ashamed shame guilty guilt embarrassed disappointed
-60 15: painful pain suffering suffer agony anguish tormented torment tragic tragedy desperate despair
-60 -20: sad sadness sorrow sorrowful unhappy miserable misery tears crying weeping mournful mourning grief grieving funeral
-55 -40: depressed depressing depression hopeless gloomy gloom dismal bleak dreary desolate desolation melancholy melancholic
-40 -35: lonely loneliness alone solitary solitude abandoned forlorn isolated lost homesick empty emptiness
-35 -60: tired weary exhausted fatigued drained lifeless dull bored boring boredom monotonous listless
-45 -50: dead death dying grave graveyard cemetery tomb funereal lifelessness
-20 -45: grey gray greyness fog foggy mist misty haze hazy drizzle overcast cloudy
-25 -30: cold icy frozen frost frosty bare barren faded withered decay decaying ruin ruins
-35 5: dark darkness shadow shadows shadowy black somber sombre grim stern severe
-10 -40: slow heavy solemn serious grave-faced austere monastic
0 -50: motionless sparse minimal static empty-handed frozen-still
10 -50: snow snowy winter wintry snowfall icicle
-25 -20: autumn november rain rainy puddle dusk-grey
25 -25: autumnal golden amber october harvest
45 -40: dawn daybreak lake pond meadow stream brook lagoon mirror-like
50 -15: morning garden flowers flower orchard butterfly butterflies dew lakeside countryside village
55 20: sunshine sun summer summery sunflower sunflowers sunlight beach holiday
50 5: sunrise rainbow island birds bird birdsong sky blue-sky clear
35 -35: sunset evening dusk twilight moonlight moonlit moon starry stars candle candlelight
25 -5: sea ocean river forest wood trees tree green grove valley hills hill
20 30: waves wave waterfall wind windy breeze-blown surf sailing sail ship horses horse
35 -15: breeze breezy shade shady airy light
5 20: mountain mountains cliff canyon desert wilderness jungle
5 -25: night nightfall midnight nocturne nocturnal darkening
15 45: city urban traffic street neon nightlife crowd crowded market busy bustling train trains
10 55: mechanical machine machines factory industrial futuristic robotic electric
40 15: home family mother child children baby wedding friends friendship
35 40: circus parade fair merry-go-round carousel clown masquerade mask
35 10: spring-like fresh new young youth youthful
20 50: march marching military drums drumming brass fanfare
30 60: rhythmic groovy groove funky funk swing swinging disco techno rock rocking punk
45 30: waltz folk latin samba salsa tango calypso reggae
15 -60: ambient drone spacious spaciousness floating weightless underwater drifting space cosmic
25 -45: spiritual sacred holy prayer hymn church cathedral devotional choral
-15 10: minor dissonant blue-note blues bluesy
30 5: major bright-eyed consonant
40 -20: delicate fragile-sweet light-hearted intimate cuddly velvet silky smooth
-15 -15: fragile vulnerable shy timid hesitant doubtful
20 10: noble dignified stately ceremonial royal regal
-20 30: confused confusing bewildered dizzy surreal absurd grotesque bizarre weird
-30 45: defiant rebellious revolt revolution protest struggle conflict
-40 40: hunted chased chase pursuit trapped claustrophobic oppressive
-30 -10: regret regretful remorse resigned resignation pity pitiful
30 30: sensual seductive sexy ardent
50 50: glittering brilliant shining splendid spectacular magnificent
20 20: sublime awe awesome vast immense infinite
0 0: neutral indifferent ordinary
10 -10: abstract geometric
-35 70: attack invasion riot disaster catastrophe flood earthquake avalanche crash
-50 -10: sick illness ill hospital poverty poor hunger hungry prison prisoner slave beggar broken
45 60: freedom free flying soaring flight leap leaping jump jumping
"""

STRENGTHENERS = {
    "very": 1.3, "extremely": 1.5, "really": 1.25, "so": 1.2, "utterly": 1.5, "deeply": 1.35, "highly": 1.3,
    "intensely": 1.4, "totally": 1.4, "incredibly": 1.4, "more": 1.2, "most": 1.4, "super": 1.35, "too": 1.2,
}  # fmt: skip
WEAKENERS = {
    "slightly": 0.5, "somewhat": 0.6, "little": 0.55, "bit": 0.55, "fairly": 0.8, "rather": 0.85, "mildly": 0.55,
    "quite": 0.9, "almost": 0.7, "barely": 0.35, "hardly": -0.3, "less": 0.5, "faintly": 0.45, "half": 0.6,
}  # fmt: skip
_NEGATIONS = "not no never without nor neither isn't isnt don't dont doesn't doesnt wasn't cannot can't nothing"
NEGATIONS = frozenset(_NEGATIONS.split(" "))
# words that carry no affect and are passed over in silence
_PLAIN = """
    a an the and or but of in on at to from with by for as is are be was were it its this that these those there here
    i you he she we they me my your his her our their them us some any all each both like feel feels feeling felt mood
    moods music song piece sound sounds sounding something somehow very picture image painting photo photograph scene
    mine make made make makes please want wants would should could can will just only also then than into over under up
    down out off about after before during while when where who what which how two one three through between near next
    end start begin beginning first last time day days way kind sort much many few lot lots bit little style tone
    tones atmosphere vibe vibes
"""
PLAIN = frozenset(_PLAIN.split())
